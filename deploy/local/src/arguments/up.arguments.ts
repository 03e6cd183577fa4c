import { resolve } from 'node:path';
import { SCALED_SERVICES, SERVICES, type ServiceName } from '@clipmesh/contracts';
import { commandLine, readCommandLine, UsageError, valueOption, whole } from '../../command.line.mjs';

const MOST_REPLICAS = 16;
/** Number of replicas of each service. */
export type Scale = Readonly<Record<ServiceName, number>>;
export const ONE_OF_EACH = Object.fromEntries(SERVICES.map((name) => [name, 1])) as Scale;

export interface UpArguments {
  readonly port: number;
  readonly dataDir: string;
  readonly scale: Scale;
  /** Starts a Jaeger and sends the traces there too. */
  readonly jaeger: boolean;
}
export interface UpDefaults {
  readonly dataDir: string;
  readonly port: number;
  readonly cwd: string;
}
interface Values extends Omit<UpArguments, 'dataDir'> {
  readonly data: string;
}

const readReplicas = whole(1, MOST_REPLICAS);

function readScale(list: string, flag: string, previous: Scale): Scale {
  const entries = list.split(',').map((entry) => {
    const [name = '', count, ...more] = entry.split('=');
    const service = SCALED_SERVICES.find((known) => known === name);
    if (service === undefined || count === undefined || more.length > 0) {
      throw new UsageError(
        `${flag} takes SERVICE=N, for example clip-generator=3; the services are ${SCALED_SERVICES.join(', ')}.`,
      );
    }
    return [service, readReplicas(count, `${flag} ${service}`)] as const;
  });
  return { ...previous, ...Object.fromEntries(entries) };
}

/** Arguments of `up`. Throws a `UsageError` or `HelpRequested`. */
export function parseUp(args: readonly string[], { port, dataDir, cwd }: UpDefaults): UpArguments {
  const command = commandLine('npm run up --', 'Runs the local stack until Ctrl-C. A second Ctrl-C kills it.')
    .addOption(
      valueOption(
        '--scale <SERVICE=N>',
        `replicas of a service, 1-${MOST_REPLICAS}, for example clip-generator=3; repeatable`,
        readScale,
      ).default(ONE_OF_EACH, '1 of each'),
    )
    .addOption(valueOption('--port <N>', 'port of the gateway, 1-65535', whole(1, 65_535)).default(port))
    .addOption(
      valueOption('--data <DIR>', 'folder of the stack: records, media, logs and pids').default(dataDir, dataDir),
    )
    .option('--jaeger', 'also start a Jaeger that receives all traces; the first time it may have to be built', false);
  const { data, ...values } = readCommandLine<Values>(command, args);
  return { ...values, dataDir: resolve(cwd, data) };
}
