import { Argument, type Command, type Option } from 'commander';
import type { Context } from './context.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** What may follow one command, read from the program itself. */
interface Place {
  /** Names of the commands that lead here; empty at the start. */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  /** Words that its argument may be. */
  readonly words: readonly string[];
}

function placesOf(program: Command): Place[] {
  const visit = (command: Command, path: string): Place[] => [
    {
      path,
      commands: command.commands,
      options: path === '' ? program.options : [...command.options, ...program.options],
      words: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    },
    ...command.commands.flatMap((each) => visit(each, path === '' ? each.name() : `${path} ${each.name()}`)),
  ];
  return visit(program, '');
}

/** For bash, and for zsh by its emulation of bash, where `path` is `PATH`, and a length must not begin with a letter. */
function bashCompletion(places: readonly Place[]): string {
  const options = places.flatMap(({ options: each }) => each);
  const valued = [...new Set(options.filter(({ required }) => required).flatMap(({ long }) => long ?? []))];
  const groups = places.filter(({ commands }) => commands.length > 0).map(({ path }) => `"${path}"`);
  const words = places.map(({ path, commands, options: own, words: named }) => {
    const all = [...commands.map((each) => each.name()), ...named, ...own.flatMap(({ long }) => long ?? []), '--help'];
    return `    "${path}") words="${all.join(' ')}" ;;`;
  });
  const values = places.flatMap(({ path, options: own }) =>
    own.flatMap(({ long, argChoices }) =>
      argChoices ? [`    "${path} ${long}") words="${argChoices.join(' ')}" ;;`] : [],
    ),
  );
  return `_rejoin() {
  local place="" word before="" words="" current="\${COMP_WORDS[COMP_CWORD]}"
  local valued=" ${valued.join(' ')} "
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    if [[ "$valued" != *" $before "* && "$word" != -* ]]; then
      case "$place" in ${groups.join('|')}) place="\${place:+$place }$word" ;; esac
    fi
    before="$word"
  done
  case "$place $before" in
${values.join('\n')}
    *" --file") COMPREPLY=($(compgen -f -- "$current")); return ;;
    *) if [[ "$before" == --* && "$valued" == *" $before "* ]]; then return; fi
       case "$place" in
${words.map((line) => `   ${line}`).join('\n')}
       esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _rejoin rejoin`;
}

function fishCompletion(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options, words }) => {
    const [parent, child] = path.split(' ');
    const inside = commands.map((each) => each.name()).join(' ');
    const conditions = [
      path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${parent}`,
      ...(child === undefined ? [] : [`__fish_seen_subcommand_from ${child}`]),
    ];
    const complete = (what: string, ...more: string[]): string =>
      `complete -c rejoin -f -n ${quote([...conditions, ...more].join('; and '))} ${what}`;
    const outside = path !== '' && commands.length > 0 ? [`not __fish_seen_subcommand_from ${inside}`] : [];
    return [
      ...commands.map((each) => complete(`-a ${each.name()} -d ${quote(each.description())}`, ...outside)),
      ...(words.length === 0 ? [] : [complete(`-a ${quote(words.join(' '))}`)]),
      ...options.flatMap(({ long, required, argChoices, description }) =>
        long === undefined || long === null
          ? []
          : [
              complete(
                `-l ${long.slice(2)}${required ? ' -r' : ''}${argChoices ? ` -a ${quote(argChoices.join(' '))}` : ''} -d ${quote(description)}`,
              ),
            ],
      ),
    ];
  });
  return ['complete -c rejoin -f', ...lines, 'complete -c rejoin -l file -r -F'].join('\n');
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Completion for one shell, made from the commands that there are. */
function completionFor(program: Command, shell: Shell): string {
  const places = placesOf(program);
  if (shell === 'fish') return fishCompletion(places);
  const bash = bashCompletion(places);
  return shell === 'bash'
    ? bash
    : `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

export function addCompletionCommand(program: Command, context: Context): void {
  program
    .command('completion')
    .description('print completion for a shell')
    .addArgument(new Argument('<shell>', 'which one').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  source <(npx rejoin completion bash)      in ~/.bashrc or ~/.zshrc (zsh instead of bash)
  rejoin completion fish > ~/.config/fish/completions/rejoin.fish`,
    )
    .action((shell: Shell) => {
      for (const line of completionFor(program, shell).split('\n')) context.terminal.line(line);
    });
}
