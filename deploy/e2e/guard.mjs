// node guard.mjs SCRIPT [arguments]: runs a command, and stops it when the test that started it ends in any way, which closes
// the stdin of this process.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const child = spawn(process.execPath, process.argv.slice(2), { stdio: ['ignore', 'inherit', 'inherit'] });
// A Ctrl-C reaches the whole group; the command handles it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
process.stdin.on('close', () => child.kill('SIGINT')).resume();
child.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
