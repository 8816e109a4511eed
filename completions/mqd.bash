# bash completion for mqd
_mqd()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word command="" words=""
    [ "$cur" = "=" ] && cur=""
    [ "$prev" = "=" ] && prev=${COMP_WORDS[COMP_CWORD-2]}
    case "$prev" in
        --auto-create) COMPREPLY=($(compgen -W 'on off' -- "$cur")); return ;;
        --flush) COMPREPLY=($(compgen -W 'ack async' -- "$cur")); return ;;
        --log) COMPREPLY=($(compgen -W 'debug info warn error' -- "$cur")); return ;;
        --log-format) COMPREPLY=($(compgen -W 'auto text json' -- "$cur")); return ;;
        --help-man) COMPREPLY=($(compgen -W 'mq.conf mq-exit' -- "$cur")); return ;;
        --completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
    esac
    case "$command" in
    esac
    if [[ $cur == -* ]]; then
        words='-D --data -l --listen --advertise -i --node-id --cluster-id --partitions --auto-create --retention --retention-bytes --segment --flush --max-message --max-connections --threads -X -c --config --check-config --metrics --log --log-format --ephemeral --ready-fd -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
        case "$command" in
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    [ -n "$words" ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _mqd mqd
