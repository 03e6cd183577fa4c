// node stack.guard.js DIR GRACE_MS SUPERVISOR_PID: ends the processes of the stack in DIR when the supervisor dies in any
// way, which closes the stdin of this process. A supervisor that stops in order ends this process too.
import { STACK } from './folder.lock.js';
import { endRecorded, readRecord } from './process.records.js';

const [dir = '', graceMs = '', supervisor = ''] = process.argv.slice(2);
process.stdin.resume().once('close', () => {
  const holder = readRecord(dir, STACK);
  // A stack that started on the folder meanwhile has ended the remaining processes.
  if (holder !== undefined && holder.pid !== Number(supervisor)) return;
  void endRecorded(dir, Number(graceMs), STACK);
});
