import { type Command, type Option } from 'commander';

/** The command line is wrong. The message is one sentence for the user. */
export class UsageError extends Error {
  readonly name: 'UsageError';
}
/** The user requested help. The message is the help text. */
export class HelpRequested extends Error {
  readonly name: 'HelpRequested';
}

/** A command with `--help`, without further options and arguments. `name`: how a user calls it. */
export function commandLine(name: string, description: string): Command;

/** Reads the text of an option's value. `previous`: the default, or the value of an earlier occurrence. Throws {@link UsageError}. */
export type ReadValue<T> = (text: string, flag: string, previous: T) => T;

/** An option with a value, for example `--port <N>`. Default of `read`: the text, which must not be blank. */
export function valueOption<T = string>(flags: string, meaning: string, read?: ReadValue<T>): Option;

/** Reads a whole number from `min` to `max`. Default of `max`: no limit. */
export function whole(min: number, max?: number): (text: string, flag: string) => number;

/** The values of the options. Throws {@link HelpRequested}, or {@link UsageError} for a wrong command line. */
export function readCommandLine<T extends object>(command: Command, args: readonly string[]): T;

/**
 * Prints what ended a command: the help on stdout, an error as one line on stderr. Returns the exit code: 0 for the help,
 * 2 for a wrong command line, 1 otherwise.
 */
export function printError(error: unknown): number;
