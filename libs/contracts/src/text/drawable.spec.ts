import { describe, expect, it } from '@jest/globals';
import { drawableText, encodeRanges, undrawableIn } from './drawable.js';

describe('a text that fonts can draw', () => {
  it.each([
    'Größer, schöner: Dvořák — 5 € “now”',
    'Привет, мир! Ωραία μέρα',
    'قهوة طازجة ١٢٣',
    'שלום עולם, שָׁלוֹם',
    'नमस्ते दुनिया',
    'স্বাগতম வணக்கம் నమస్తే',
    'กาแฟสดทุกวัน',
    '新鮮なコーヒー、毎朝。',
    '每天早晨的新鲜咖啡',
    '매일 아침 신선한 커피',
    '👩‍👩‍👧‍👦 🇩🇪 ❤️ 👍🏽 1️⃣ → ★ ✓',
    'cafe\u0301 dough\u00adnut a\u200bb\n',
  ])('%s', (text) => {
    expect(undrawableIn(text)).toEqual([]);
    expect(drawableText(text)).toBe(text);
  });

  it.each([
    ['Tea \u{10ffff} now', ['\u{10ffff}'], 'Tea now'],
    ['\u{13000}\u{13000}\u{12000}', ['\u{13000}', '\u{12000}'], ''],
  ])('%j lacks %j', (text, missing, rest) => {
    expect(undrawableIn(text)).toEqual(missing);
    expect(drawableText(text)).toBe(rest);
  });

  it('is found by ranges', () => {
    expect(encodeRanges([32, 33, 34, 100])).toBe('w-2 1u');
  });
});
