import { hostname } from 'node:os';

/** Default id of a replica. Includes the host name, because the pid is 1 in every container. */
export function replicaId(service: string, host: string = hostname(), pid: number = process.pid): string {
  return `${service}.${host}.${pid}`;
}
