#!/bin/sh
# The header's pins by gpio-sim, and a sound card whose other end programs hear, by snd-aloop.
set -eu
modprobe gpio-sim
modprobe snd-aloop pcm_substreams=1
cd /sys/kernel/config/gpio-sim
mkdir offhook offhook/bank0
echo 28 >offhook/bank0/num_lines
echo offhook-sim >offhook/bank0/label
echo 1 >offhook/live
