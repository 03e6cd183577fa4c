import { describe, expect, it } from '@jest/globals';
import { cpuMsOf, errorLines, failureOf, type ProcessEnd, probeFailureOf } from './process-outcome.js';

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
const said = (stderr: string): Partial<ProcessEnd> => ({ stderr: `[error] ${stderr}\n` });
const notStarted = (code: string): Partial<ProcessEnd> => ({
  exitCode: undefined,
  cause: Object.assign(new Error(`spawn ffmpeg ${code}`), { code }),
});

describe('a process that failed', () => {
  it.each<[string, Partial<ProcessEnd>, string, boolean]>([
    ['was ended by us for a cancel', { ...killedBy('SIGKILL'), killed: 'abort' }, 'CANCELED', false],
    ['was ended by us for standing still', { ...killedBy('SIGKILL'), killed: 'idle' }, 'FFMPEG_STALLED', true],
    ['was killed, and not by us', killedBy('SIGKILL'), 'OUT_OF_MEMORY', true],
    ['was killed under a wrapper', { exitCode: 137 }, 'OUT_OF_MEMORY', true],
    ['says that memory is short', said('Error allocating a frame: Cannot allocate memory'), 'OUT_OF_MEMORY', true],
    ['says so in other words', said('malloc of size 33177600 failed'), 'OUT_OF_MEMORY', true],
    ['could not be started for lack of memory', notStarted('ENOMEM'), 'OUT_OF_MEMORY', true],
    ['is not there', notStarted('ENOENT'), 'INTERNAL', true],
    ['crashed', killedBy('SIGSEGV'), 'FFMPEG_FAILED', true],
    ['found the disk full', said('av_interleaved_write_frame(): No space left on device'), 'STORE_UNAVAILABLE', true],
    ['cannot read its input', said('clip.mp4: Invalid data found when processing input'), 'MEDIA_INVALID', false],
    ['is given a playlist', said('[dash @ 0x1] Format not on whitelist mov,mp3'), 'MEDIA_INVALID', false],
    ['says nothing', {}, 'FFMPEG_FAILED', true],
  ])('%s', (_name, more, code, retryable) => {
    expect(failureOf(end(more))).toMatchObject({ code, retryable });
  });

  it.each<[string, Partial<ProcessEnd>, boolean]>([
    ['says that memory is short', said('Cannot allocate memory'), false],
    ['crashed', killedBy('SIGSEGV'), false],
    ['stood still', { ...killedBy('SIGKILL'), killed: 'idle' }, false],
    ['failed without a word', {}, false],
    ['cannot read its input', said('Invalid data found when processing input'), false],
    ['was killed by the system', killedBy('SIGKILL'), true],
    [
      'was killed by the system after it was short of memory',
      { ...killedBy('SIGKILL'), ...said('malloc of size 9 failed') },
      true,
    ],
    ['was killed under a wrapper', { exitCode: 137 }, true],
    ['could not be started for lack of memory', notStarted('ENOMEM'), true],
    ['is not there', notStarted('ENOENT'), true],
    ['found the disk full', said('No space left on device'), true],
    ['had too many files open', said('Too many open files'), true],
    ['was ended for a cancel', { ...killedBy('SIGKILL'), killed: 'abort' }, true],
  ])('that %s is of the machine alone: %s', (_name, more, isOfMachine) => {
    for (const failed of [failureOf, probeFailureOf]) expect(failed(end(more))).toMatchObject({ isOfMachine });
  });

  it('is blamed on the file by a probe where nothing else explains it', () => {
    expect(probeFailureOf(end({ tool: 'ffprobe' }))).toMatchObject({ code: 'MEDIA_INVALID' });
    expect(probeFailureOf(end({ tool: 'ffprobe', ...killedBy('SIGKILL') }))).toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect(probeFailureOf(end({ tool: 'ffprobe', ...killedBy('SIGTERM') }))).toMatchObject({ code: 'FFMPEG_FAILED' });
  });

  it('is told by its warnings and errors alone, the last of them', () => {
    const log = [
      '[info] Input #0, mov',
      '[mov @ 0x55] [verbose] parsing',
      '[h264 @ 0x55] [error] no frame!',
      'a line without a level',
      '',
    ].join('\r\n');
    expect(errorLines(log)).toBe('[h264 @ 0x55] no frame!\na line without a level');
    expect(errorLines('[error] x\n'.repeat(5000)).length).toBeLessThanOrEqual(4096);
  });

  it('tells its CPU time when it came to its end', () => {
    expect(cpuMsOf('bench: maxrss=1kB\n[info] bench: utime=1.250s stime=0.050s rtime=2.000s\n')).toBe(1300);
    expect(cpuMsOf('[info] frame=1')).toBeUndefined();
  });
});
