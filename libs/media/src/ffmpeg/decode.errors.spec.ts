import { describe, expect, it } from '@jest/globals';
import { decodeErrors } from './decode.errors.js';

describe('the errors in a log', () => {
  it.each<[string, string, [number, number]]>([
    ['of a healthy clip', '[info] frame=1\n[libx264 @ 0x1] [info] profile High', [0, 0]],
    ['of an undecodable picture', '[error] Error while decoding stream #0:2: Invalid data found', [1, 0]],
    ['of a damaged picture', '[warning] /a/clip: corrupt decoded frame in stream 2', [1, 0]],
    ['of a lost packet', '[warning] /a/clip: corrupt input packet in stream 2', [1, 0]],
    ['of undecodable sound', '[error] Error while decoding stream #0:1: Invalid data found', [0, 1]],
    ['of another stream', '[error] Error while decoding stream #0:0: Invalid data found', [0, 0]],
    ['of ffmpeg 7', '[vist#0:2/h264 @ 0x5] [error] Error submitting packet to decoder: Invalid data', [1, 0]],
    ['of the sound in ffmpeg 7', '[aist#0:1/aac @ 0x5] [error] Decoding error: Invalid data', [0, 1]],
    ['of a damaged JPEG', '[mjpeg @ 0x5] [error] error dc', [1, 0]],
    ['of the end of a truncated file', '[matroska,webm @ 0x5] [error] File ended prematurely at pos. 9', [1, 0]],
    ['of a reference that is missing at the start', '[h264 @ 0x5] [error] mmco: unref short failure', [0, 0]],
  ])('%s', (_name, line, [picture, sound]) => {
    for (const end of ['', '\n', '\r\n']) {
      const errors = decodeErrors({ video: 2, audio: 1 });
      for (const letter of line + end) errors.read(letter);
      expect(errors.count()).toEqual({ picture, sound });
    }
  });
});
