/**
 * Identity of the process that has this pid now: its start time, as the system reports it. Distinguishes processes that
 * reuse a pid. Undefined when no running process has the pid.
 */
export function identityOf(pid: number): string | undefined;
