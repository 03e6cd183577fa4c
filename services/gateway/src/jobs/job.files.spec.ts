import { describe, expect, it } from '@jest/globals';
import { createGenerationSchema } from '@clipmesh/contracts';
import { pngOf } from '@clipmesh/testing';
import { checkFiles, checkImage, decodeMusic } from './job.files.js';

/** A JPEG's frame header and end marker, without image data. */
const jpegOf = (width: number, height: number): Buffer => {
  const frame = Buffer.from([0xff, 0xc0, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  const quantization = Buffer.concat([Buffer.from([0xff, 0xdb, 0, 67, 0]), Buffer.alloc(64, 1)]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), quantization, frame, Buffer.from([0xff, 0xd9])]);
};

/** Adds a preview image in a segment, as cameras do. */
const withPreview = (jpeg: Buffer): Buffer => {
  const preview = jpegOf(160, 120);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(2 + preview.length);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, preview, jpeg.subarray(2)]);
};
const withFillBytes = (jpeg: Buffer): Buffer =>
  Buffer.concat([jpeg.subarray(0, -2), Buffer.from([0xff, 0xff]), jpeg.subarray(-2)]);

describe('a reference image', () => {
  it.each([
    ['a PNG', pngOf(400, 300), 'image/png'],
    ['a JPEG', jpegOf(400, 300), 'image/jpeg'],
    ['a JPEG with a preview', withPreview(jpegOf(400, 300)), 'image/jpeg'],
    ['a JPEG with fill bytes before its end', withFillBytes(jpegOf(400, 300)), 'image/jpeg'],
  ])('%s is accepted with its type', (_name, bytes, contentType) => {
    expect(checkImage(bytes, 'referenceImage.data')).toEqual({ bytes, contentType });
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'neither a JPEG nor a PNG'],
    ['text', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"/>'), 'neither'],
    ['a GIF', Buffer.from('GIF89a\x90\x01\x90\x01\x00\x00\x00;', 'latin1'), 'neither'],
    ['the first bytes of a PNG', pngOf(400, 400).subarray(0, 6), 'neither'],
    ['a PNG without its end', pngOf(400, 400).subarray(0, -12), 'truncated'],
    ['a JPEG without its end', jpegOf(400, 400).subarray(0, -2), 'truncated'],
    ['a JPEG with only its preview complete', withPreview(jpegOf(400, 400)).subarray(0, -2), 'truncated'],
    ['a narrow image', pngOf(299, 400), '299x400 pixels; each side must have 300-8192'],
    ['a long image', pngOf(300, 8193), '300x8193 pixels'],
    ['a large file', Buffer.alloc(10 * 1024 * 1024 + 1), 'more than 10485760 bytes'],
  ])('%s is rejected', (_name, bytes, words) => {
    expect(() => checkImage(bytes, 'referenceImage.data')).toThrow(words);
    expect(() => checkImage(bytes, 'referenceImage.data')).toThrow(/^referenceImage\.data: /);
  });
});

describe('music', () => {
  const encoded = Buffer.from('ID3').toString('base64');
  it.each([
    [`data:audio/mpeg;base64,${encoded}`, 'audio/mpeg'],
    [`data:audio/mpeg;codecs=mp3;base64,${encoded}`, 'audio/mpeg'],
    [`data:audio/mp4;codecs="mp4a.40.2";base64,${encoded}`, 'audio/mp4'],
    [`DATA:Audio/MP4;Codecs="mp4a.40.2, x";BASE64,${encoded}`, 'audio/mp4'],
  ])('in %s is decoded', (data, contentType) => {
    expect(createGenerationSchema.parse({ prompt: 'A kettle that sings.', music: { data } }).music?.data).toBe(data);
    expect(decodeMusic(data)).toEqual({ contentType, bytes: Buffer.from('ID3') });
  });

  it.each([
    ['nothing', 'data:audio/mpeg;base64,', 'the data is empty or not base64; send base64 after the comma'],
    ['no base64', 'data:audio/mpeg;base64,!!!', 'the data is empty or not base64; send base64 after the comma'],
    ['too much', `data:audio/mpeg;base64,${'A'.repeat(13_981_020)}`, 'more than 10485760 bytes'],
  ])('of %s is rejected', (_name, data, message) => {
    expect(() => decodeMusic(data)).toThrow(`music.data: ${message}`);
  });
});

describe('a data URL of an image', () => {
  const png = pngOf(400, 300).toString('base64');
  it.each([
    `data:image/png;base64,${png}`,
    `data:image/png;charset=utf-8;base64,${png}`,
    `data:image/PNG;name="a, b.png";base64,${png}`,
  ])('may have parameters: %.40s', (data) => {
    const request = createGenerationSchema.parse({ prompt: 'A kettle that sings.', referenceImage: { data } });
    expect(() => {
      checkFiles(request);
    }).not.toThrow();
  });
});
