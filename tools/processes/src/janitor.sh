# Cleans up after the process that holds the other end of standard input, however it ends.
#
# Each line adds an entry to the list or takes it off again:
#
#     +group 1234        a process group that was started
#     -group 1234        ... and is gone
#     +folder /tmp/a b   a temporary folder that was made
#     -folder /tmp/a b   ... and is gone
#     +command env 'a'   a command that undoes something
#     -command env 'a'   ... and has run
#
# End of file means that the process is gone, even if nobody could ask it to tidy up. What is
# still on the list is then killed, run and removed. The list lives in the positional parameters: they
# are the one kind of list that a POSIX shell has.

# Ctrl-C, a closed terminal or `kill` must not take the janitor before its work is done.
trap '' INT TERM HUP QUIT

while IFS= read -r line; do
    entry=${line#?}
    for listed do
        shift
        [ "$listed" = "$entry" ] || set -- "$@" "$listed"
    done
    case $line in
        +*) set -- "$@" "$entry" ;;
    esac
done

for entry do
    case $entry in
        "group "*) kill -s KILL -- "-${entry#group }" ;;
    esac
done

for entry do
    case $entry in
        "command "*)
            eval "${entry#command }"
            # What the dead process had started may have been at work still, and have made something
            # just after that: again.
            sleep 5
            eval "${entry#command }"
            ;;
    esac
done

for entry do
    case $entry in
        "folder "*)
            # A process that is just dying may still add a file: try again.
            for attempt in 1 2 3 4 5; do
                rm -rf -- "${entry#folder }" && break
                sleep 1
            done
            ;;
    esac
done
