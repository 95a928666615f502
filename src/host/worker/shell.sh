# Runs a function of a shell for one event after the other: FILE NAME.
#
# Descriptor 3 is the channel to the runtime. For each event it says which of its descriptors hold
# the event, the response and the context; they are opened by way of /proc. What is shipped has no
# lines that begin with `#` and no indentation.
tinderbox_name=$2 tinderbox_fd=/proc/$PPID/fd tinderbox_form=quoted
if ! [ -e $tinderbox_fd/0 ]; then
	echo closed >&3
	exit 1
fi
set -eu
case ${BASH_VERSION-} in
?*)
	set -o pipefail
	tinderbox_form=raw
	;;
esac
. "$1"
# What the file has set is in force for the function, and for it alone.
tinderbox_set=$-
set +e
if ! command -v "$tinderbox_name" >/dev/null; then
	command echo missing >&3
	exit 1
fi
# The file may have functions with these names: `command` passes them over.
command echo ready $tinderbox_form >&3
while :; do
	# Forked before the event comes. No `||` and no `if` around it: they switch off -e within.
	(
		# The file may have set IFS.
		IFS=' ' command read -r tinderbox_in tinderbox_out tinderbox_context <&3 || exit
		exec 3>&- <"$tinderbox_fd/$tinderbox_in" >"$tinderbox_fd/$tinderbox_out"
		. "$tinderbox_fd/$tinderbox_context"
		case $tinderbox_form in raw) tinderbox_event=$(<"$tinderbox_fd/$tinderbox_in") ;; esac
		case $tinderbox_set in *e*) set -e ;; esac
		"$tinderbox_name" "$tinderbox_event"
	)
	command echo "$?" >&3 || exit
done
