import { describe, expect, it } from '@jest/globals';
import { cpuMsOf, errorLines, failureOf, type ProcessEnd, probeFailureOf } from './process.outcome.js';

const end = (more: Partial<ProcessEnd>): ProcessEnd => ({
  tool: 'ffmpeg',
  exitCode: 1,
  signal: undefined,
  killed: undefined,
  stderr: '',
  cause: undefined,
  ...more,
});
const killedBy = (signal: string): Partial<ProcessEnd> => ({ exitCode: undefined, signal });
const stderrOf = (stderr: string): Partial<ProcessEnd> => ({ stderr: `[error] ${stderr}\n` });
const notStarted = (code: string): Partial<ProcessEnd> => ({
  exitCode: undefined,
  cause: Object.assign(new Error(`spawn ffmpeg ${code}`), { code }),
});

describe('a failed process', () => {
  it.each<[string, Partial<ProcessEnd>, string, boolean]>([
    ['was killed for a cancel', { ...killedBy('SIGKILL'), killed: 'abort' }, 'CANCELED', false],
    ['was killed as idle', { ...killedBy('SIGKILL'), killed: 'idle' }, 'FFMPEG_STALLED', true],
    ['was killed by the system', killedBy('SIGKILL'), 'OUT_OF_MEMORY', true],
    ['was killed inside a wrapper', { exitCode: 137 }, 'OUT_OF_MEMORY', true],
    ['reports a lack of memory', stderrOf('Error allocating a frame: Cannot allocate memory'), 'OUT_OF_MEMORY', true],
    ['reports a failed malloc', stderrOf('malloc of size 33177600 failed'), 'OUT_OF_MEMORY', true],
    ['reports a decoder without memory', stderrOf('[h264 @ 0x1] [error] get_buffer() failed'), 'OUT_OF_MEMORY', true],
    [
      'has too large pictures',
      stderrOf(
        '[h264 @ 0x1] [error] Picture size 9x9 exceeds specified max pixel count 8\n[error] get_buffer() failed',
      ),
      'MEDIA_INVALID',
      false,
    ],
    ['could not be started for lack of memory', notStarted('ENOMEM'), 'OUT_OF_MEMORY', true],
    ['does not exist', notStarted('ENOENT'), 'INTERNAL', true],
    ['crashed', killedBy('SIGSEGV'), 'FFMPEG_FAILED', true],
    [
      'reports a full disk',
      stderrOf('av_interleaved_write_frame(): No space left on device'),
      'STORE_UNAVAILABLE',
      true,
    ],
    ['cannot read its input', stderrOf('clip.mp4: Invalid data found when processing input'), 'MEDIA_INVALID', false],
    ['has a playlist as input', stderrOf('[dash @ 0x1] Format not on whitelist mov,mp3'), 'MEDIA_INVALID', false],
    ['reports nothing', {}, 'FFMPEG_FAILED', true],
  ])('that %s has the code %s', (_name, more, code, retryable) => {
    expect(failureOf(end(more))).toMatchObject({ code, retryable });
  });

  it.each<[string, Partial<ProcessEnd>, boolean]>([
    ['reports a lack of memory', stderrOf('Cannot allocate memory'), false],
    ['crashed', killedBy('SIGSEGV'), false],
    ['was idle', { ...killedBy('SIGKILL'), killed: 'idle' }, false],
    ['reports nothing', {}, false],
    ['cannot read its input', stderrOf('Invalid data found when processing input'), false],
    ['was killed by the system', killedBy('SIGKILL'), true],
    [
      'was killed by the system after a lack of memory',
      { ...killedBy('SIGKILL'), ...stderrOf('malloc of size 9 failed') },
      true,
    ],
    ['was killed inside a wrapper', { exitCode: 137 }, true],
    ['could not be started for lack of memory', notStarted('ENOMEM'), true],
    ['does not exist', notStarted('ENOENT'), true],
    ['reports a full disk', stderrOf('No space left on device'), true],
    ['had too many open files', stderrOf('Too many open files'), true],
    ['was killed for a cancel', { ...killedBy('SIGKILL'), killed: 'abort' }, true],
  ])('that %s is a system failure: %s', (_name, more, isSystemFailure) => {
    for (const failed of [failureOf, probeFailureOf]) expect(failed(end(more))).toMatchObject({ isSystemFailure });
  });

  it('means invalid media in a probe when there is no other reason', () => {
    expect(probeFailureOf(end({ tool: 'ffprobe' }))).toMatchObject({ code: 'MEDIA_INVALID' });
    expect(probeFailureOf(end({ tool: 'ffprobe', ...killedBy('SIGKILL') }))).toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect(probeFailureOf(end({ tool: 'ffprobe', ...killedBy('SIGTERM') }))).toMatchObject({ code: 'FFMPEG_FAILED' });
  });

  it('is described by its last warnings and errors only', () => {
    const log = [
      '[info] Input #0, mov',
      '[mov @ 0x55] [verbose] parsing',
      '[h264 @ 0x55] [error] no frame!',
      'a line without a level',
      '',
    ].join('\r\n');
    expect(errorLines(log)).toBe('[h264] no frame!\na line without a level');
    expect(errorLines('[error] x\n'.repeat(5000)).length).toBeLessThanOrEqual(4096);
  });

  it('is described without paths', () => {
    const failed = end({
      ...stderrOf('/scratch of mine/a/clip: Invalid data in /tmp/b/list.txt (1/2), see https://x.org/a/b'),
      args: ['-i', '/scratch of mine/a/clip'],
    });
    expect(failureOf(failed).message).toBe(
      'ffmpeg failed (exit code 1): the file: Invalid data in the file (1/2), see https://x.org/a/b',
    );
  });

  it('reports its CPU time after a regular exit', () => {
    expect(cpuMsOf('bench: maxrss=1kB\n[info] bench: utime=1.250s stime=0.050s rtime=2.000s\n')).toBe(1300);
    expect(cpuMsOf('[info] frame=1')).toBeUndefined();
  });
});
