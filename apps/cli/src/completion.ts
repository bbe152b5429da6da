import { type Command, InvalidArgumentError } from 'commander';
import type { Context } from './context.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** Words that may follow a command, by its path: subcommands and options, from the program itself. */
function wordsOf(program: Command): Map<string, string[]> {
  const words = new Map<string, string[]>();
  const globals = program.options.flatMap(({ long }) => long ?? []);
  const visit = (command: Command, path: string): void => {
    const own = command.options.flatMap(({ long }) => long ?? []);
    words.set(path, [...command.commands.map((each) => each.name()), ...new Set([...own, ...globals, '--help'])]);
    for (const each of command.commands) visit(each, path === '' ? each.name() : `${path} ${each.name()}`);
  };
  visit(program, '');
  return words;
}

/** Completion for one shell, made from the commands that there are. */
function completionFor(program: Command, shell: Shell): string {
  const words = [...wordsOf(program)];
  if (shell === 'fish') {
    const lines = words.flatMap(([path, each]) => {
      const [parent, child] = path.split(' ');
      const condition =
        path === ''
          ? '__fish_use_subcommand'
          : child === undefined
            ? `__fish_seen_subcommand_from ${parent}`
            : `__fish_seen_subcommand_from ${parent}; and __fish_seen_subcommand_from ${child}`;
      return each.map(
        (word) =>
          `complete -c rejoin -f -n '${condition}' ${word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`}`,
      );
    });
    return lines.join('\n');
  }
  const cases = words.map(([path, each]) => `    "${path}") words="${each.join(' ')}" ;;`).join('\n');
  const body = `_rejoin() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case "$path" in ""|dlq) path="\${path:+$path }$word" ;; esac ;; esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _rejoin rejoin`;
  return shell === 'bash' ? body : `autoload -U +X bashcompinit && bashcompinit\n${body}`;
}

export function addCompletionCommand(program: Command, context: Context): void {
  program
    .command('completion')
    .description('print completion for a shell')
    .argument('<shell>', SHELLS.join(', '), (text): Shell => {
      if (!SHELLS.includes(text as Shell)) throw new InvalidArgumentError(`it is one of ${SHELLS.join(', ')}`);
      return text as Shell;
    })
    .addHelpText(
      'after',
      '\nExamples:\n  source <(rejoin completion bash)\n  rejoin completion fish > ~/.config/fish/completions/rejoin.fish',
    )
    .action((shell: Shell) => context.terminal.line(completionFor(program, shell)));
}
