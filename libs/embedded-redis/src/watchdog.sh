# Ends a process when the one that started this script is gone, however it went.
#   $1  process id
#   $2  its start time, see process-identity.ts: another process with that id is left alone
#   $3  directory to remove after it, or nothing
# Standard input is held by the parent alone. It says `released`, and nothing is done; or it ends, as it does also by SIGKILL.

started() {
  if [ -r "/proc/$1/stat" ]; then
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | { read -r state rest; [ "$state" = Z ] || echo "$rest" | cut -d' ' -f19; }
  else
    LC_ALL=C TZ=UTC ps -o lstart= -p "$1" 2>/dev/null | sed 's/^ *//; s/ *$//'
  fi
}
ours() { [ "$(started "$1")" = "$2" ]; }
read -r word
[ "$word" = released ] && exit 0
if ours "$1" "$2"; then
  kill -TERM "$1"; kill -CONT "$1"
  n=0
  while ours "$1" "$2" && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
  if ours "$1" "$2"; then kill -KILL "$1"; fi
fi
[ -n "$3" ] && rm -rf "$3"
exit 0
