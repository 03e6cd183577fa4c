import { describe, expect, it } from '@jest/globals';
import { languageOf } from './text.language.js';

describe('the language of a text', () => {
  it.each([
    ['The kettle sings.', 'en'],
    ['Der Kessel singt.', 'en'],
    ['Чайник поёт. Now with WiFi', 'ru'],
    ['Ο βραστήρας', 'el'],
    ['الغلاية تغني', 'ar'],
    ['הקומקום שר', 'he'],
    ['केतली गाती है', 'hi'],
    ['กาต้มน้ำ', 'th'],
    ['主전자가 노래한다', 'ko'],
    ['水壶在唱歌', 'zh'],
    ['やかんが歌う', 'ja'],
    ['薬缶が', 'ja'],
    ['ꦱꦼꦭꦩꦠ꧀', undefined],
    ['2026!', 'en'],
    ['', 'en'],
  ])('%j is %s by its script', (text, language) => {
    expect(languageOf(text)).toBe(language);
  });
});
