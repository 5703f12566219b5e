# Offhook's boot script: chooses a slot, starts its kernel. U-Boot runs it from the FAT partition.
# BOOT_ORDER and BOOT_x_LEFT are those of RAUC's backend "uboot": tries are counted only where
# there is another slot to fall back to.
test -n "${devtype}" || setenv devtype mmc
test -n "${devnum}" || setenv devnum 0
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "@order@"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3

# Where kernel, initramfs and device tree go. The kernel takes more than U-Boot's own addresses
# leave room for.
if test "${board}" = "qemu-arm"; then
  setenv kernel_at 0x40400000
  setenv packed_at 0x4a000000
  setenv initrd_at 0x46000000
  setenv tree_at ${fdt_addr}
  setenv fdtfile
else
  setenv kernel_at 0x00200000
  setenv packed_at 0x0a000000
  setenv initrd_at 0x05000000
  setenv tree_at 0x07800000
fi

setenv slot
for each in ${BOOT_ORDER}; do
  if test -n "${slot}"; then
    true
  elif test "${each}" = "A"; then
    if test ${BOOT_A_LEFT} -gt 0; then
      setenv slot A
      setenv boot_part @boot_a@
      setenv root_part @root_a@
      if test "${BOOT_ORDER}" != "A"; then
        setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
        saveenv
      fi
    fi
  elif test "${each}" = "B"; then
    if test ${BOOT_B_LEFT} -gt 0; then
      setenv slot B
      setenv boot_part @boot_b@
      setenv root_part @root_b@
      if test "${BOOT_ORDER}" != "B"; then
        setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
        saveenv
      fi
    fi
  fi
done
if test -z "${slot}"; then
  echo "Offhook: every slot has used up its tries; they get new ones"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
  saveenv
  reset
fi

echo "Offhook: slot ${slot}, ${devtype} ${devnum}, partitions ${boot_part} and ${root_part}"
# A slot may have more to say to its kernel.
setenv slot_arguments
if load ${devtype} ${devnum}:${boot_part} ${kernel_at} slot.env; then
  env import -t ${kernel_at} ${filesize} slot_arguments
fi
if test -n "${fdtfile}"; then
  if load ${devtype} ${devnum}:${boot_part} ${tree_at} dtb/${fdtfile}; then
    fdt addr ${tree_at}
  else
    echo "Offhook: no device tree ${fdtfile}; the one of the board is taken"
    setenv tree_at ${fdt_addr}
  fi
fi
setenv bootargs "root=PARTUUID=@identity@-0${root_part} rootfstype=squashfs ro rootwait fsck.repair=yes systemd.condition_needs_update=0 panic=10 offhook.slot=${slot} ${slot_arguments}"
# The kernel is packed by gzip, for cards are slow.
if load ${devtype} ${devnum}:${boot_part} ${packed_at} vmlinuz; then
  if unzip ${packed_at} ${kernel_at}; then
    if load ${devtype} ${devnum}:${boot_part} ${initrd_at} initrd.img; then
      booti ${kernel_at} ${initrd_at}:${filesize} ${tree_at}
    fi
  fi
fi
echo "Offhook: slot ${slot} did not start"
sleep 5
reset
