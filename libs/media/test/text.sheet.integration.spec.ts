import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempFolder, tempFolder } from '@clipmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { languageOf } from '../src/speech/text.language.js';
import { BlockPainter } from '../src/text/drawing/block.painter.js';
import { loadCanvas, openMeasure } from '../src/text/drawing/canvas.fonts.js';
import { bundledFonts, emojiFonts } from '../src/text/fonts/font.catalog.js';
import { chooseFonts } from '../src/text/fonts/font.chooser.js';
import { layOut } from '../src/text/layout/text.layout.js';
import { TEXT_STYLES } from '../src/text/style/text.styles.js';

const DEADLINE_MS = 300_000;
/** The texts of the contact sheet, each on one line. */
const TEXTS = [
  ...['Größe Ångström Dvořák', 'Łódź żółć naïve façade', 'Việt Nam: Phở bò tái', 'cafe\u0301 re\u0301sume\u0301'],
  ...['x\u0302 y\u0308 q\u0307', 'Привет, мир! Ёлка', 'Українська їжа', 'Ωραία μέρα, καφέ'],
  ...['قهوة طازجة كل صباح', 'مُحَمَّد ﷺ لا إله', 'خصم 50% حتى 31/12', 'iPhone 15 متوفر الآن'],
  ...['فارسی: گچ\u200cکاری', 'שלום עולם', 'שָׁלוֹם, 120 ₪ בלבד', 'קנו iPad עכשיו (חדש)!'],
  ...['नमस्ते दुनिया', 'हिन्दी क्षत्रिय ज्ञान', 'कृपया ₹499 में', 'বাংলা স্বাগতম'],
  ...['வணக்கம் உலகம்', 'నమస్తే ప్రపంచం', 'กาแฟสดใหม่ทุกวัน', 'น้ำตื่นที่นี่'],
  ...['新鮮なコーヒー。', '「毎朝」の一杯、', '每天早晨，新鲜咖啡！', '直骨角 今令'],
  ...['매일 아침 커피', '값 없는 닭볶음탕', 'Party 🎉🥳🎂', '👩‍👩‍👧‍👦 👨🏽‍🚀 👍🏿'],
  ...['🇩🇪🇯🇵🏴󠁧󠁢󠁥󠁮󠁧󠁿', '1️⃣ #️⃣ ❤️ ❤︎ ☕️', 'dough\u00adnut soft', 'Donaudampfschifffahrt'],
  ...['“Quotes” — dash…', '100 % ½ © ® ™ €', 'AV To Wa fi ffl', 'a/b\\c: "x" %{pts}'],
];
const CELL = { width: 400, height: 80, columns: 4 } as const;
const SHEET = { width: CELL.width * CELL.columns, height: (CELL.height * TEXTS.length) / CELL.columns } as const;
/** How much ink may be elsewhere than in Chromium's drawing: smoothing at edges, and hinting of marks. */
const TOLERANCE = 0.2;

let folder: TempFolder;
const at = (name: string): string => join(folder.path, name);
const luma = (file: string): Buffer =>
  execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], {
    timeout: DEADLINE_MS,
    maxBuffer: 1 << 28,
  });

/** Draws the sheet, and a page in which Chromium draws the same texts in the same fonts at the same places. */
async function drawSheets(): Promise<{ ours: Buffer; theirs: Buffer }> {
  const skia = await loadCanvas();
  const sheet = skia.createCanvas(SHEET.width, SHEET.height);
  const context = sheet.getContext('2d');
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, SHEET.width, SHEET.height);
  const { shadow: _shadow, ...style } = TEXT_STYLES.classic;
  const faces = new Map<string, string>();
  let page = '';
  for (const [index, text] of TEXTS.entries()) {
    const language = languageOf(text) ?? 'en';
    const fonts = [...bundledFonts('sans', style.weight, language), ...emojiFonts()];
    const chooser = chooseFonts(fonts.slice(0, -1), emojiFonts());
    const setter = { fontFor: chooser.fontFor, measure: openMeasure(skia, style.weight) };
    const box = { width: 390, height: 80 };
    const block = layOut(text, { size: 32, box, align: 'start', lineHeight: 1.2, language }, setter);
    expect(block.lines).toHaveLength(1);
    const left = (index % CELL.columns) * CELL.width + 5;
    const top = Math.floor(index / CELL.columns) * CELL.height + 10;
    context.save();
    context.translate(left, top);
    new BlockPainter(skia, { block, style, color: '#000000', bar: { left: 0, right: 0 } }).draw(context);
    context.restore();
    const tokens = block.lines.flatMap((line) => line.tokens);
    const used = fonts.filter((font) => tokens.some((token) => token.font === font));
    for (const { name, path, weights } of used)
      faces.set(name, `@font-face{font-family:"${name}";src:url("file://${path}");font-weight:${weights.join(' ')}}`);
    const family = used.map(({ name }) => `'${name}'`).join(',');
    const place = `left:${left}px;top:${top + (tokens[0]?.y ?? 0) - 40}px;font-size:${block.size}px;font-family:${family}`;
    const shown = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    page += `<div lang="${language}" dir="auto" style="${place}"><span></span>${shown}</div>`;
  }
  const css = `${[...faces.values()].join('')}body{margin:0;background:#fff}span{display:inline-block;height:40px}
    div{position:absolute;white-space:pre;font-weight:${style.weight};line-height:0}`;
  await writeFile(at('ours.png'), sheet.toBuffer('image/png'));
  await writeFile(at('page.html'), `<meta charset="utf-8"><style>${css}</style>${page}`);
  const options = ['--headless', '--no-sandbox', '--disable-background-networking', '--allow-file-access-from-files'];
  const output = [`--screenshot=${at('theirs.png')}`, `--window-size=${SHEET.width},${SHEET.height}`];
  const wait = ['--hide-scrollbars', '--virtual-time-budget=10000', `--user-data-dir=${at('profile')}`];
  execFileSync('chromium', [...options, ...output, ...wait, `file://${at('page.html')}`], {
    timeout: DEADLINE_MS,
    stdio: 'ignore',
  });
  return { ours: luma(at('ours.png')), theirs: luma(at('theirs.png')) };
}

let sheets: Awaited<ReturnType<typeof drawSheets>>;
beforeAll(async () => {
  folder = await tempFolder('sheet');
  sheets = await drawSheets();
}, DEADLINE_MS);
afterAll(async () => {
  await folder.remove();
});

describe('a text is drawn as Chromium draws it', () => {
  it.each(TEXTS.map((text, index) => [text, index] as const))('%s', (_text, index) => {
    const [left, top] = [(index % CELL.columns) * CELL.width, Math.floor(index / CELL.columns) * CELL.height];
    let [ink, difference] = [0, 0];
    for (let y = top; y < top + CELL.height; y += 1)
      for (let x = left; x < left + CELL.width; x += 1) {
        const [one, other] = [sheets.ours[y * SHEET.width + x] ?? 0, sheets.theirs[y * SHEET.width + x] ?? 0];
        ink += 255 - other;
        difference += Math.abs(one - other);
      }
    expect(ink).toBeGreaterThan(50_000);
    expect(difference / ink).toBeLessThan(TOLERANCE);
  });
});
