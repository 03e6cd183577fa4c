import { readdirSync, readFileSync } from 'node:fs';
import { runningServers } from './child.process.js';
import { openFolders } from './temp.folder.js';

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Reads Linux's /proc. Empty on other systems, where only the processes of this library are known. */
function processes(): readonly Process[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const text = readFileSync(`/proc/${name}/stat`, 'utf8');
          const command = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
          const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
          return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }];
        } catch {
          return [];
        }
      });
  } catch {
    return [];
  }
}

function descendants(of: number): readonly Process[] {
  const all = processes();
  const found: Process[] = [];
  for (let parents = [of]; parents.length > 0;) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map(({ pid }) => pid);
  }
  return found;
}

/**
 * Call it before a suite and the returned function after it. The result has one line for each process that was started meanwhile and
 * still runs, and for each temporary folder that was not removed.
 */
export function leakCheck(): () => readonly string[] {
  const before = new Set(descendants(process.pid).map(({ pid }) => pid));
  return () => [
    ...descendants(process.pid)
      .filter(({ pid }) => !before.has(pid))
      .map(({ pid, command }) => `process ${pid} (${command}) still runs`),
    ...(process.platform === 'linux' ? [] : runningServers().map((server) => `${server} still runs`)),
    ...openFolders().map((path) => `folder ${path} was not removed`),
  ];
}
