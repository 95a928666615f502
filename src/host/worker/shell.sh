# Runs a function of a shell for one event after the other: FILE NAME.
#
# Descriptor 3 is the channel to the runtime. For each event it says which of its descriptors hold
# the event, the response and the context; they are opened by way of /proc. What is shipped has no
# lines that begin with `#` and no indentation.
tinderbox_name=$2 tinderbox_fd=/proc/$PPID/fd tinderbox_form=quoted tinderbox_do=command
if ! [ -e $tinderbox_fd/0 ]; then
	echo closed >&3
	exit 1
fi
set -eu
# The file may have functions with the names of commands: `$tinderbox_do` passes them over. In bash
# they come before `exec` and `exit` too, and `command` is more often taken than `builtin`.
case ${BASH_VERSION-} in
?*)
	set -o pipefail
	tinderbox_form=raw tinderbox_do=builtin
	;;
esac
# Read before the file, so that none of its aliases is in here; and what is quoted is no alias.
tinderbox_serve() {
	# What the file has set is in force for the function, and for it alone.
	tinderbox_set=$- tinderbox_own=
	"$tinderbox_do" eval tinderbox_own=1 || tinderbox_own=
	# What `builtin exec` redirects is not so for long.
	case $tinderbox_form$tinderbox_own in raw1) ! builtin declare -F exec >/dev/null || tinderbox_own= ;; esac
	tinderbox_own=${tinderbox_own:?the file must not have a function named $tinderbox_do or exec}
	"$tinderbox_do" set +e
	if ! "$tinderbox_do" command -v "$tinderbox_name" >/dev/null; then
		"$tinderbox_do" echo missing >&3
		"$tinderbox_do" exit 1
	fi
	# Of a subshell that one of these has ended, bash writes its source into the log, unless there is a trap.
	case $tinderbox_form in raw) "$tinderbox_do" trap : 1 3 4 5 6 7 8 9 10 11 12 14 16 24 25 26 27 29 30 31 ;; esac
	"$tinderbox_do" echo ready $tinderbox_form >&3
	while case x in esac; do
		# Forked before the event comes. No `||` and no `if` around it: they switch off -e within.
		(
			# The file may have set IFS.
			IFS=' ' "$tinderbox_do" read -r tinderbox_in tinderbox_out tinderbox_context <&3 || "$tinderbox_do" exit
			exec 3>&- <"$tinderbox_fd/$tinderbox_in" >"$tinderbox_fd/$tinderbox_out"
			"$tinderbox_do" . "$tinderbox_fd/$tinderbox_context"
			case $tinderbox_form in raw) tinderbox_event=$(<"$tinderbox_fd/$tinderbox_in") ;; esac
			case $tinderbox_set in *e*) "$tinderbox_do" set -e ;; esac
			"$tinderbox_name" "$tinderbox_event"
		)
		"$tinderbox_do" echo "$?" >&3 || "$tinderbox_do" exit
	done
}
. "$1"
"tinderbox_serve"
