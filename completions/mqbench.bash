# bash completion for mqbench
_mqbench()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word command="" words=""
    [ "$cur" = "=" ] && cur=""
    [ "$prev" = "=" ] && prev=${COMP_WORDS[COMP_CWORD-2]}
    case "$prev" in
        --color) COMPREPLY=($(compgen -W 'auto always never' -- "$cur")); return ;;
        --progress) COMPREPLY=($(compgen -W 'auto plain never' -- "$cur")); return ;;
        --help-man) COMPREPLY=($(compgen -W 'mq.conf mq-exit' -- "$cur")); return ;;
        --completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
        --acks|-a) COMPREPLY=($(compgen -W 'all 1 0' -- "$cur")); return ;;
        --compress|-z) COMPREPLY=($(compgen -W 'none gzip snappy lz4 zstd' -- "$cur")); return ;;
        --compress|-z) COMPREPLY=($(compgen -W 'none gzip snappy lz4 zstd' -- "$cur")); return ;;
        --acks|-a) COMPREPLY=($(compgen -W 'all 1 0' -- "$cur")); return ;;
        --compress|-z) COMPREPLY=($(compgen -W 'none gzip snappy lz4 zstd' -- "$cur")); return ;;
        --acks|-a) COMPREPLY=($(compgen -W 'all 1' -- "$cur")); return ;;
        --acks|-a) COMPREPLY=($(compgen -W 'all 1 0' -- "$cur")); return ;;
        --compress|-z) COMPREPLY=($(compgen -W 'none gzip snappy lz4 zstd' -- "$cur")); return ;;
    esac
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$word" in -*) ;; *) command="${command:+$command }$word" ;; esac
    done
    case "$command" in
        '') words='produce consume e2e rpc verify limit' ;;
    esac
    if [[ $cur == -* ]]; then
        words='-b --brokers -P --profile --config -X --connect-timeout --timeout --client-id --color --progress -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
        case "$command" in
            'produce'*) words="$words -t --duration -c --count -w --warmup -s --size -r --rate --producers --partitions --topic-config --keep -a --acks -z --compress --linger --batch --inflight --no-idempotent --drain --broker-pid --json" ;;
            'consume'*) words="$words -t --duration -c --count -w --warmup -s --size --connections --partitions --topic-config --keep -z --compress --batch --backlog --decode --drain --broker-pid --json" ;;
            'e2e'*) words="$words -t --duration -c --count -w --warmup -s --size -r --rate --partitions --topic-config --keep -a --acks -z --compress --linger --batch --inflight --no-idempotent --drain --broker-pid --json" ;;
            'rpc'*) words="$words -t --duration -c --count -w --warmup -s --size --connections --partitions --topic-config --keep -a --acks --broker-pid --json" ;;
            'verify'*) words="$words -t --duration -c --count -s --size -r --rate --producers --partitions --topic-config --keep -a --acks -z --compress --linger --batch --inflight --no-idempotent --drain --produce --check --json" ;;
            'limit'*) words="$words -d --directory --json" ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    [ -n "$words" ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _mqbench mqbench
