# bash completion for mqcons
_mqcons()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word command="" words=""
    [ "$cur" = "=" ] && cur=""
    [ "$prev" = "=" ] && prev=${COMP_WORDS[COMP_CWORD-2]}
    case "$prev" in
        --reset) COMPREPLY=($(compgen -W 'start end error' -- "$cur")); return ;;
        --color) COMPREPLY=($(compgen -W 'auto always never' -- "$cur")); return ;;
        --progress) COMPREPLY=($(compgen -W 'auto plain never' -- "$cur")); return ;;
        --help-man) COMPREPLY=($(compgen -W 'mq.conf mq-exit' -- "$cur")); return ;;
        --completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
    esac
    case "$command" in
    esac
    if [[ $cur == -* ]]; then
        words='-p --partitions -o --offset --since --until -n --tail -f --follow -c --count -F --format -K --key-delimiter -d --delimiter -0 --null -J --json --null-as --raw -g --group --instance --reset -b --brokers -P --profile --config -X --connect-timeout --timeout --client-id --color --progress -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
        case "$command" in
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    [ -n "$words" ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _mqcons mqcons
