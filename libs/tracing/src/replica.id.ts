import { hostname } from 'node:os';

/** Which replica this is unless told. A container's host name is its own, while the pid is 1 in each of them. */
export function replicaId(service: string, host: string = hostname(), pid: number = process.pid): string {
  return `${service}.${host}.${pid}`;
}
