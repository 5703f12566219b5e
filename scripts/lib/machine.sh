# What the entries share: Debian packages, a Python to work with, a virtual environment of the lock.
# Sourced by bash from the repository's root. Messages go to stderr.

NO_RIGHT=77 # EX_NOPERM: something must be installed, and we may not, or were told not to

say() { printf '%s\n' "$*" >&2; }

# missing_packages NAME...: those of the named Debian packages that aren't installed
missing_packages() {
  local name
  for name in "$@"; do
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
      printf '%s\n' "$name"
  done
}

# ensure_packages YES NAME...: installs what is missing, or exits with NO_RIGHT.
# YES is "yes" to go on without asking. Without a terminal root goes on, and nobody else does.
ensure_packages() {
  local yes=$1 missing root=() answer
  shift
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ]; then root=(sudo); fi
  local update=("${root[@]}" apt-get update) \
    install=("${root[@]}" apt-get install --yes --no-install-recommends "${missing[@]}")
  say "To be installed by apt: ${missing[*]}"
  if ! may_install; then
    say "This user may not install. Somebody who may:"
    say "    ${update[*]} && ${install[*]}"
    exit "$NO_RIGHT"
  fi
  if [ "$yes" != yes ] && [ -t 0 ]; then
    read -r -p "Install? [Y/n] " answer
    case $answer in
      '' | y | Y | yes) ;;
      *)
        say "Nothing was installed."
        exit "$NO_RIGHT"
        ;;
    esac
  fi
  # A user agent or a proxy that starts as a service would take the ports of the tests.
  local held=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1)
  { "${root[@]}" "${held[@]}" apt-get update -qq &&
    "${root[@]}" "${held[@]}" apt-get install -qq --yes --no-install-recommends "${missing[@]}"; } \
    >&2 </dev/null || {
    say "apt could not install: ${missing[*]}"
    exit "$NO_RIGHT"
  }
}

may_install() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" -eq 0 ] && return 0
  command -v sudo >/dev/null || return 1
  [ -t 0 ] || sudo -n true 2>/dev/null
}

PROMPTS=$PWD/.cache/prompts

# ensure_sound YES FOLDER: PyAudio in the virtual environment FOLDER and what the telephone says in
# PROMPTS. Without them it shows what it would let hear, so that nothing here is a reason to stop.
ensure_sound() {
  local yes=$1 python=$2/bin/python
  (ensure_packages "$yes" espeak-ng gcc libasound2-plugins libc6-dev portaudio19-dev python3-dev) ||
    say "Going on without sound: what would be heard is shown."
  if ! "$python" -c 'import pyaudio' 2>/dev/null; then
    say "Building PyAudio"
    "$python" -m pip --disable-pip-version-check install --quiet --no-build-isolation \
      --require-hashes --requirement locks/card.txt ||
      say "Going on without PyAudio: what would be heard is shown."
  fi
  "$python" -m scripts.lib.render_prompts >&2 ||
    say "Going on without speech: what would be said is shown."
}

# able_python: a Python of 3.11 or newer that can make virtual environments, empty if there is none
able_python() {
  local name
  for name in ${OFFHOOK_PYTHON:+"$OFFHOOK_PYTHON"} python3 /usr/bin/python3; do
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
    then
      command -v "$name"
      return
    fi
  done
}

# python_packages: the Debian packages to install before a virtual environment can be made
python_packages() { [ -n "$(able_python)" ] || printf '%s\n' python3 python3-venv; }

# ensure_venv FOLDER LOCK: a virtual environment of exactly what LOCK says, and of this project.
# It is made anew when the lock, the project's own metadata or Python changed; who comes meanwhile
# waits.
ensure_venv() {
  local folder=$1 lock=$2 python made_of held
  python=$(able_python)
  if [ -z "$python" ]; then
    say "Python 3.11 or newer with venv is needed; this system has none to install."
    exit "$NO_RIGHT"
  fi
  made_of=$({
    "$python" --version
    pwd
    cat "$lock"
    sed -s '/^\[tool\./,$d' pyproject.toml provisioning/pyproject.toml
  } | sha256sum)
  mkdir -p "$(dirname "$folder")"
  exec {held}>"$folder.held"
  flock "$held"
  if [ "$(cat "$folder/made-of" 2>/dev/null)" = "$made_of" ]; then
    exec {held}>&-
    return 0
  fi

  say "Making $folder by $lock"
  rm -rf "$folder"
  "$python" -m venv "$folder"
  local pip=("$folder/bin/python" -m pip --disable-pip-version-check install --quiet)
  "${pip[@]}" --require-hashes --requirement "$lock"
  "${pip[@]}" --no-deps --no-build-isolation --editable . --editable provisioning
  printf '%s\n' "$made_of" >"$folder/made-of"
  exec {held}>&-
}
