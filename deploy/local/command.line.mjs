// Command lines: commander reads them and writes the help; every error is one sentence.
import { Command, CommanderError, Option } from 'commander';

export class UsageError extends Error {
  name = 'UsageError';
}

export class HelpRequested extends Error {
  name = 'HelpRequested';
}

export const commandLine = (name, description) =>
  new Command(name).description(description).helpOption('-h, --help', 'shows this help');

const notBlank = (text, flag) => {
  if (text.trim() === '') throw new UsageError(`${flag} takes a value.`);
  return text;
};

/** Matches an option in the place of a value: the value is missing. */
const AN_OPTION = /^--[a-z][a-z-]*(=|$)/;

export function valueOption(flags, meaning, read = notBlank) {
  const option = new Option(flags, meaning);
  return option.argParser((text, previous) => {
    if (AN_OPTION.test(text)) throw new UsageError(`${option.long} takes a value, and ${text} is an option.`);
    return read(text, option.long, previous);
  });
}

export const whole =
  (min, max = Number.MAX_SAFE_INTEGER) =>
  (text, flag) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const most = max === Number.MAX_SAFE_INTEGER ? 'upwards' : `to ${max}`;
    throw new UsageError(`${flag} takes a whole number from ${min} ${most}.`);
  };

export function readCommandLine(command, args) {
  let help = '';
  command.exitOverride().configureOutput({
    writeOut: (text) => {
      help += text;
    },
    outputError: () => undefined,
  });
  try {
    return command.parse(args, { from: 'user' }).opts();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) throw new HelpRequested(help.trimEnd());
    const sentence = sentenceOf(error, command);
    throw new UsageError(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`);
  }
}

/** An error of commander as one sentence that says what is allowed. */
function sentenceOf({ code, message }, { args, options, registeredArguments }) {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const flags = options.map(({ long }) => long).join(', ');
  const allowed = flags === '' ? 'there are no options' : `the options are ${flags}`;
  switch (code) {
    case 'commander.unknownOption':
      return `${what}${suggestion === undefined ? '' : ` ${suggestion.replace('Did', 'did')}`}; ${allowed}`;
    case 'commander.excessArguments':
      return `unexpected argument '${args[registeredArguments.length]}'; ${allowed}`;
    case 'commander.optionMissingArgument':
      return `${what}: ${options.find((option) => what.includes(`'${option.flags}'`))?.description}`;
    default:
      return what.replace(/\.$/, '').replace('. Allowed', '; allowed');
  }
}

export function printError(error) {
  if (error instanceof HelpRequested) {
    console.log(error.message);
    return 0;
  }
  console.error(error instanceof Error ? error.message : String(error));
  return error instanceof UsageError ? 2 : 1;
}
