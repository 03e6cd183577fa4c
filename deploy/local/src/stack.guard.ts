// node stack.guard.js DIR GRACE_MS SUPERVISOR_PID: ends the processes of the stack in DIR when the supervisor is gone,
// however it went: then the other end of our stdin is closed. A supervisor that stops in good order ends this process too.
import { STACK } from './folder.lock.js';
import { endRecorded, readRecord } from './process.records.js';

const [dir = '', graceMs = '', supervisor = ''] = process.argv.slice(2);
process.stdin.resume().once('close', () => {
  const holder = readRecord(dir, STACK);
  // The next stack of the folder, started meanwhile, ends what was left itself.
  if (holder !== undefined && holder.pid !== Number(supervisor)) return;
  void endRecorded(dir, Number(graceMs), STACK);
});
