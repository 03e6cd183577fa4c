import { encodeProfile } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { clearArea, placeIn, pointsToPixels } from './text.area.js';

describe('the clear area', () => {
  it('of an upright video is what Meta, Google and TikTok leave free', () => {
    expect(clearArea({ width: 1080, height: 1920 })).toEqual({ left: 120, top: 288, width: 768, height: 960 });
    expect(clearArea(encodeProfile('9:16'))).toEqual({ left: 80, top: 192, width: 512, height: 640 });
  });

  it.each(['16:9', '1:1'] as const)('of %s has even margins', (aspect) => {
    const { width, height } = encodeProfile(aspect);
    const area = clearArea({ width, height });
    expect(Math.abs(width - 2 * area.left - area.width)).toBeLessThanOrEqual(1);
    expect(Math.abs(height - 2 * area.top - area.height)).toBeLessThanOrEqual(1);
    expect(area.left / width).toBeGreaterThan(0.05);
  });
});

describe('the place of a text', () => {
  const area = { left: 80, top: 192, width: 512, height: 640 };
  it.each([
    ['top', 'center', 100, 310, 192],
    ['center', 'center', 100, 310, 462],
    ['bottom', 'center', 100, 310, 732],
    // In the middle of the frame it would reach into the controls at the right.
    ['bottom', 'center', 500, 92, 732],
    ['bottom', 'start', 100, 80, 732],
    ['bottom', 'end', 100, 492, 732],
  ] as const)('at the %s, aligned to the %s, %i wide', (position, align, width, left, top) => {
    expect(placeIn(area, { width, height: 100 }, 720, position, align)).toEqual({ left, top, width, height: 100 });
  });
});

it('a point is a pixel on a short side of 720', () => {
  const sizes = [encodeProfile('9:16'), encodeProfile('16:9'), { width: 1080, height: 1920 }];
  expect(sizes.map((profile) => pointsToPixels(48, profile))).toEqual([48, 48, 72]);
  expect(pointsToPixels(24, { width: 16, height: 160 })).toBe(4);
});
