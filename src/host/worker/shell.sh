# Runs a shell function, one subshell per event. Arguments: FILE NAME.
#
# Descriptor 3 is the channel to the runtime. For each event the runtime sends the numbers of its
# descriptors for the event, the response and the context; we open them through /proc. The embedded
# text has no lines that begin with `#` and no indentation.
tinderbox_name=$2 tinderbox_fd=/proc/$PPID/fd tinderbox_event_by=assignment tinderbox_do=command
if ! [ -e $tinderbox_fd/0 ]; then
	echo closed >&3
	exit 1
fi
set -eu
# The file may define functions with the names of commands: `$tinderbox_do` bypasses them. In bash a
# function also precedes `exec` and `exit`, and `command` is redefined more often than `builtin`.
case ${BASH_VERSION-} in
?*)
	set -o pipefail
	tinderbox_event_by=file tinderbox_do=builtin
	# The line and the command that -e stops at go to the log, and so into the error. A trap of the
	# file's own takes the place of this one.
	tinderbox_trap='case ${FUNCNAME-}.$- in .* | tinderbox_serve.*) ;; *.*e*) builtin echo "$BASH_SOURCE: line $LINENO: command failed (status $?): ${BASH_COMMAND%%$'"'\n'"'*}" >&2 ;; esac'
	trap "$tinderbox_trap" ERR
	;;
esac
# Parsed before the file is sourced, so none of the file's aliases applies here; a quoted word is
# never an alias.
tinderbox_serve() {
	# The shell options that the file has set apply to the function only.
	tinderbox_options=$- tinderbox_intact=
	"$tinderbox_do" eval tinderbox_intact=1 || tinderbox_intact=
	# `builtin exec` does not keep its redirections, so `exec` must not be a function.
	case $tinderbox_event_by$tinderbox_intact in file1) ! builtin declare -F exec >/dev/null || tinderbox_intact= ;; esac
	tinderbox_intact=${tinderbox_intact:?the file must not have a function named $tinderbox_do or exec}
	"$tinderbox_do" set +e
	# Only a function handles events. What other shells than bash say about the name (POSIX,
	# "command -V") is for the runtime: to read it here would take a process.
	case $tinderbox_event_by in
	file) builtin declare -F -- "$tinderbox_name" >/dev/null || builtin echo missing >&3 ;;
	*) "$tinderbox_do" command -V "$tinderbox_name" >&3 2>/dev/null || "$tinderbox_do" echo missing >&3 ;;
	esac
	# When one of these signals ends a subshell, bash logs the source of the subshell, unless a trap is set.
	case $tinderbox_event_by in file) "$tinderbox_do" trap : 1 3 4 5 6 7 8 9 10 11 12 14 16 24 25 26 27 29 30 31 ;; esac
	"$tinderbox_do" echo ready $tinderbox_event_by >&3
	while case x in esac; do
		# Forked before the event arrives. `||` or `if` around the subshell would disable -e in it.
		(
			# The file may have set IFS.
			IFS=' ' "$tinderbox_do" read -r tinderbox_in tinderbox_out tinderbox_context <&3 || "$tinderbox_do" exit
			exec 3>&- <"$tinderbox_fd/$tinderbox_in" >"$tinderbox_fd/$tinderbox_out"
			"$tinderbox_do" . "$tinderbox_fd/$tinderbox_context"
			case $tinderbox_event_by in file) tinderbox_event=$(<"$tinderbox_fd/$tinderbox_in") ;; esac
			case $tinderbox_options in *e*) "$tinderbox_do" set -e ;; esac
			# With -E, the subshell and its functions have a trap already.
			case $tinderbox_event_by$tinderbox_options in file*E*) ;; file*e*) "$tinderbox_do" set -E && builtin trap "$tinderbox_trap" ERR ;; esac
			"$tinderbox_name" "$tinderbox_event"
		)
		"$tinderbox_do" echo "$?" >&3 || "$tinderbox_do" exit
	done
}
. "$1"
"tinderbox_serve"
