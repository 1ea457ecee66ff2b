import type { PlainCommand } from "./plain-commands.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** They take a text for commands, or read commands from a file or from what is piped into them. */
export const shells = words("bash sh dash zsh ksh mksh ash fish csh tcsh rbash pwsh");

/** They run the command that their words name. */
export const wrappers = words(`
  env sudo doas su runuser pkexec xargs parallel nohup setsid nice ionice chrt taskset timeout gtimeout time stdbuf unbuffer
  script flock watch entr chroot unshare nsenter setpriv strace ltrace busybox toybox caffeinate systemd-run bwrap firejail
  fakeroot xvfb-run dbus-run-session run-parts start-stop-daemon setarch linux32 linux64 rlwrap torify torsocks proxychains
  proxychains4 at batch crontab command builtin exec coproc`);

/** Words of the shell, and builtins by which the meaning of what follows changes, or which take text for code. */
const changing = words(`
  . source eval trap alias unalias bind caller compgen complete compopt declare disown enable export fc fg bg getopts hash
  history jobs let local logout mapfile read readarray readonly return set shift shopt suspend typeset unset break continue
  if then else elif fi case esac for select while until do done in function`);

/** Options by which a program that only looks would run another one, write or remove a file, or change the shell. */
const hazards: Readonly<Record<string, RegExp>> = {
  find: /^-(?:exec|ok|delete|fprint|fls)/,
  fd: /^(?:-[A-Za-z]*[xX]|--exec)/,
  rg: /^--(?:pre|hostname-bin)/,
  sort: /^(?:-[A-Za-z]*o|--o|--com|--files0|-[A-Za-z]*T|--te)/,
  tree: /^(?:-[A-Za-z]*o|--output)/,
  git: /^(?:--(?:exec-path|config-env|ext-diff|textconv|upload-pack|receive-pack|exec|op|ou|show-signature)|-O)/,
  date: /^(?:-[A-Za-z]*s|--s|\d{8})/,
  printf: /^-v/,
  test: /^-[vR]/,
  wait: /^-[A-Za-z]*p/,
};
const sameAs: Readonly<Record<string, string>> = { fdfind: "fd", gfind: "find", gsort: "sort", ripgrep: "rg" };

/** The name by which a command is known wherever its file lies. */
export function programName(word: string): string {
  return word.slice(word.lastIndexOf("/") + 1).toLowerCase();
}

/** Why no allow pattern can let a command run, however it is written; `null`: one can. */
export function refusal(command: PlainCommand): string | null {
  const [first, ...rest] = command;
  const name = programName(first?.text ?? "");
  if (wrappers.has(name)) return `${name} runs another command`;
  if (changing.has(name)) return `${name} changes what the shell does`;
  if (shells.has(name) && (rest[0] === undefined || /^[-+]|^$/.test(rest[0].text) || !rest[0].fixed))
    return `${name} takes text for commands`;
  const known = sameAs[name] ?? name;
  const hazard = Object.hasOwn(hazards, known) ? hazards[known] : undefined;
  if (hazard === undefined) return null;
  const found = rest.find(({ text, fixed }) => !fixed || hazard.test(text));
  if (found !== undefined)
    return found.fixed
      ? `${name} ${found.text} does more than to look`
      : `names of files could become options of ${name}`;
  // Options before git's own command can name a program to run.
  return known === "git" && /^-(?!-version$|-help$)/.test(rest[0]?.text ?? "")
    ? `git ${rest[0]?.text} changes what git does`
    : null;
}
