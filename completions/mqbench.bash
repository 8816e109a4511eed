# bash completion for mqbench
_mqbench()
{
    # The words between blanks: COMP_WORDS is split at = and : too.
    local words word command="" option="" candidates="" files=""
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}."
    local cur=${words[-1]%.}
    unset 'words[-1]'
    for word in "${words[@]:1}"; do
        if [ -n "$option" ]; then option=""; continue; fi
        case "$word" in
            -b|--brokers|-P|--profile|--config|-X|--connect-timeout|--timeout|--client-id|--color|--progress|--completion|-t|--duration|-c|--count|-w|--warmup|-s|--size|-r|--rate|--producers|--partitions|--topic-config|-a|--acks|-z|--compress|--linger|--batch|--inflight|--drain|--broker-pid|--connections|--backlog|--produce|--check|--fault|--history|-d|--directory) option=$word ;;
            -*) ;;
            *) command="${command:+$command }$word" ;;
        esac
    done
    case "$cur" in --*=*) option=${cur%%=*} cur=${cur#*=} ;; esac
    if [ -n "$option" ]; then
        case "$command:$option" in
            'produce'*:-a|'produce'*:--acks) candidates='all 1 0' ;;
            'produce'*:-z|'produce'*:--compress) candidates='none gzip snappy lz4 zstd' ;;
            'consume'*:-z|'consume'*:--compress) candidates='none gzip snappy lz4 zstd' ;;
            'e2e'*:-a|'e2e'*:--acks) candidates='all 1 0' ;;
            'e2e'*:-z|'e2e'*:--compress) candidates='none gzip snappy lz4 zstd' ;;
            'rpc'*:-a|'rpc'*:--acks) candidates='all 1' ;;
            'verify'*:-a|'verify'*:--acks) candidates='all 1 0' ;;
            'verify'*:-z|'verify'*:--compress) candidates='none gzip snappy lz4 zstd' ;;
            'verify'*:--produce) files=yes ;;
            'verify'*:--check) files=yes ;;
            'verify'*:--history) files=yes ;;
            'limit'*:-d|'limit'*:--directory) files=yes ;;
            *:--config) files=yes ;;
            *:--color) candidates='auto always never' ;;
            *:--progress) candidates='auto plain never' ;;
            *:--help-man) candidates='mq.conf mq-exit' ;;
            *:--completion) candidates='bash zsh fish' ;;
        esac
    elif [[ $cur == -* ]]; then
        candidates='-b --brokers -P --profile --config -X --connect-timeout --timeout --client-id --color --progress -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
        case "$command" in
            'produce'*) candidates="$candidates -t --duration -c --count -w --warmup -s --size -r --rate --producers --partitions --topic-config --keep -a --acks -z --compress --linger --batch --inflight --no-idempotent --drain --broker-pid --json" ;;
            'consume'*) candidates="$candidates -t --duration -c --count -w --warmup -s --size --connections --partitions --topic-config --keep -z --compress --batch --backlog --decode --drain --broker-pid --json" ;;
            'e2e'*) candidates="$candidates -t --duration -c --count -w --warmup -s --size -r --rate --partitions --topic-config --keep -a --acks -z --compress --linger --batch --inflight --no-idempotent --drain --broker-pid --json" ;;
            'rpc'*) candidates="$candidates -t --duration -c --count -w --warmup -s --size --connections --partitions --topic-config --keep -a --acks --broker-pid --json" ;;
            'verify'*) candidates="$candidates -t --duration -c --count -s --size -r --rate --producers --partitions --topic-config --keep -a --acks -z --compress --linger --batch --inflight --no-idempotent --drain --produce --check --fault --history --json" ;;
            'limit'*) candidates="$candidates -d --directory --json" ;;
        esac
        local excluded=""
        for word in "${words[@]:1}"; do
            case "$command:${word%%=*}" in
                'verify'*:--produce) excluded+=' --check' ;;
                'verify'*:--check) excluded+=' --produce --fault' ;;
                'verify'*:--fault) excluded+=' --check' ;;
            esac
        done
        for word in $excluded; do
            candidates=" $candidates "
            candidates=${candidates// $word / }
        done
    else
        case "$command" in
            '') candidates='produce consume e2e rpc verify limit' ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
    [ -z "$files" ] || compopt -o default
}
complete -F _mqbench mqbench
