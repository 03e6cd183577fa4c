export type ServerName = 'nats-server' | 'docker-compose' | 'jaeger' | 'mongo-java-server';

export type Source = 'variable' | 'path' | 'cache' | 'built';
/** How it is started; the caller adds its own arguments after `args`. */
export interface ServerProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly source: Source;
}
/** One that runs already and is not ours to stop. */
export interface RunningServer {
  readonly url: string;
  readonly source: 'variable';
}
/** One sentence: why, and how to get it. */
export interface MissingServer {
  readonly missing: string;
}
export interface FindOptions {
  /** Default: the process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** False: what would have to be built is missing. Default: true. A build takes minutes, and at most an hour a step. */
  readonly mayBuild?: boolean;
  /** Ends a build that this call has begun; the server is then missing. Default: none. */
  readonly signal?: AbortSignal;
}

/** Where builds are kept: clipmesh/servers in XDG_CACHE_HOME, or in ~/.cache. */
export function cacheFolder(env?: NodeJS.ProcessEnv): string;

/**
 * Looks in the server's variable, on PATH, in the cache, and then builds it from its registry.
 * Rejects only for an unknown name and for a variable that leads nowhere.
 */
export function findServer(
  name: ServerName,
  options?: FindOptions,
): Promise<ServerProgram | RunningServer | MissingServer>;

/** As {@link findServer}; a missing one is said loudly and comes back as undefined, and under CI=true it rejects. */
export function findServerOrSkip(
  name: ServerName,
  options?: FindOptions,
): Promise<ServerProgram | RunningServer | undefined>;
