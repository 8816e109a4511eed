# bash completion for mqctl
_mqctl()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word command="" words=""
    [ "$cur" = "=" ] && cur=""
    [ "$prev" = "=" ] && prev=${COMP_WORDS[COMP_CWORD-2]}
    case "$prev" in
        --color) COMPREPLY=($(compgen -W 'auto always never' -- "$cur")); return ;;
        --progress) COMPREPLY=($(compgen -W 'auto plain never' -- "$cur")); return ;;
        --help-man) COMPREPLY=($(compgen -W 'mq.conf mq-exit' -- "$cur")); return ;;
        --completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
        --output|-o) COMPREPLY=($(compgen -W 'table tsv json jsonl' -- "$cur")); return ;;
    esac
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$word" in -*) ;; *) command="${command:+$command }$word" ;; esac
    done
    case "$command" in
        '') words='topic partition group config segment cluster' ;;
        'topic') words='list create describe delete' ;;
        'partition') words='list' ;;
        'group') words='list describe lag reset' ;;
        'config') words='get set' ;;
        'segment') words='list dump verify' ;;
        'cluster') words='info' ;;
    esac
    if [[ $cur == -* ]]; then
        words='-b --brokers -P --profile --config -X --connect-timeout --timeout --client-id --color --progress -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
        case "$command" in
            'topic list'*) words="$words --internal -o --output --no-header" ;;
            'topic create'*) words="$words -p --partitions -r --replicas --set --compact --retention --if-not-exists -n --dry-run -y --yes -o --output --no-header" ;;
            'topic describe'*) words="$words --partitions --configs -o --output --no-header" ;;
            'topic delete'*) words="$words --if-exists -n --dry-run -y --yes -o --output --no-header" ;;
            'partition list'*) words="$words --urp -o --output --no-header" ;;
            'group list'*) words="$words -o --output --no-header" ;;
            'group describe'*) words="$words -o --output --no-header" ;;
            'group lag'*) words="$words --max -o --output --no-header" ;;
            'group reset'*) words="$words --to --topic -n --dry-run -y --yes -o --output --no-header" ;;
            'config get'*) words="$words --changed -o --output --no-header" ;;
            'config set'*) words="$words --unset --append -n --dry-run -y --yes -o --output --no-header" ;;
            'segment list'*) words="$words -o --output --no-header" ;;
            'segment dump'*) words="$words -o --offset --batches --records -J --json -F --format --output --no-header" ;;
            'segment verify'*) words="$words --all-errors" ;;
            'cluster info'*) words="$words -o --output --no-header" ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    [ -n "$words" ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _mqctl mqctl
