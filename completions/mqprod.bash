# bash completion for mqprod
_mqprod()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word command="" words=""
    [ "$cur" = "=" ] && cur=""
    [ "$prev" = "=" ] && prev=${COMP_WORDS[COMP_CWORD-2]}
    case "$prev" in
        --acks|-a) COMPREPLY=($(compgen -W 'all 1 0' -- "$cur")); return ;;
        --color) COMPREPLY=($(compgen -W 'auto always never' -- "$cur")); return ;;
        --progress) COMPREPLY=($(compgen -W 'auto plain never' -- "$cur")); return ;;
        --help-man) COMPREPLY=($(compgen -W 'mq.conf mq-exit' -- "$cur")); return ;;
        --completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
    esac
    case "$command" in
    esac
    if [[ $cur == -* ]]; then
        words='-d --delimiter -0 --null -K --key-delimiter -k --key --max-record -p --partition -a --acks --no-idempotent -z --compress --linger --batch --inflight -r --rate --retry --drain -T --tee -b --brokers -P --profile --config -X --connect-timeout --timeout --client-id --color --progress -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
        case "$command" in
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    [ -n "$words" ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _mqprod mqprod
