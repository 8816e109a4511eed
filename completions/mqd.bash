# bash completion for mqd
_mqd()
{
    # The words between blanks: COMP_WORDS is split at = and : too.
    local words word command="" option="" candidates="" files=""
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}."
    local cur=${words[-1]%.}
    unset 'words[-1]'
    for word in "${words[@]:1}"; do
        if [ -n "$option" ]; then option=""; continue; fi
        case "$word" in
            -D|--data|-l|--listen|--advertise|--meta|--rack|-i|--node-id|--cluster-id|--partitions|--auto-create|--retention|--retention-bytes|--segment|--flush|--max-message|--max-connections|--threads|-X|-c|--config|--metrics|--log|--log-format|--ready-fd|--completion) option=$word ;;
            -*) ;;
            *) command="${command:+$command }$word" ;;
        esac
    done
    case "$cur" in --*=*) option=${cur%%=*} cur=${cur#*=} ;; esac
    if [ -n "$option" ]; then
        case "$command:$option" in
            *:-D|*:--data) files=yes ;;
            *:--auto-create) candidates='on off' ;;
            *:--flush) candidates='ack async' ;;
            *:-c|*:--config) files=yes ;;
            *:--log) candidates='debug info warn error' ;;
            *:--log-format) candidates='auto text json' ;;
            *:--help-man) candidates='mq.conf mq-exit' ;;
            *:--completion) candidates='bash zsh fish' ;;
        esac
    elif [[ $cur == -* ]]; then
        candidates='-D --data -l --listen --advertise --meta --rack -i --node-id --cluster-id --accept-store --adopt --disk-replaced --partitions --auto-create --retention --retention-bytes --segment --flush --max-message --max-connections --threads -X -c --config --check-config --metrics --log --log-format --ephemeral --ready-fd -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
    else
        :
    fi
    COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
    [ -z "$files" ] || compopt -o default
}
complete -F _mqd mqd
