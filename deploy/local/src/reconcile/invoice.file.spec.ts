import { describe, expect, it } from '@jest/globals';
import { InvoiceError, invoiceLines } from './invoice.file.js';

describe('an invoice', () => {
  it.each<[string, string, object[]]>([
    ['only a header', 'prediction id,model,amount\n', []],
    [
      'amounts',
      'id,model,amount\np1,a/b,0.75\np2,a/b,$1.000001\n',
      [
        { id: 'p1', model: 'a/b', amountMicros: 750_000 },
        { id: 'p2', model: 'a/b', amountMicros: 1_000_001 },
      ],
    ],
    [
      'other columns, in any order, with quotes and Windows line ends',
      '\ufeffDate,Amount (USD),"Model","Prediction ID",Note\r\n2026-01-02T03:04:05Z,"0.1","a/b",p1,"x, ""y"""\r\n\r\n',
      [{ id: 'p1', model: 'a/b', amountMicros: 100_000, day: '2026-01-02' }],
    ],
    ['a credit', 'id,model,amount,date\np1,a/b,-0.5,\n', [{ id: 'p1', model: 'a/b', amountMicros: -500_000 }]],
  ])('is CSV with %s', (_name, text, lines) => {
    expect(invoiceLines(text, 'replicate')).toEqual(lines);
  });

  const sandbox = JSON.stringify({
    predictions: [
      { id: 'p1', model: 'a/b', amountUsd: 0.3, createdAt: '2026-01-02T03:04:05.000Z', status: 'succeeded' },
      { id: 'f1', model: 'fal-ai/x', amountUsd: 0.4, provider: 'fal' },
    ],
    completions: [{ id: 'c1', model: 'm', amountUsd: 0.000_001 }],
    totalUsd: 0.7,
  });
  it.each<[string, object[]]>([
    ['replicate', [{ id: 'p1', model: 'a/b', amountMicros: 300_000, day: '2026-01-02' }]],
    [
      'fal',
      [
        { id: 'p1', model: 'a/b', amountMicros: 300_000, day: '2026-01-02' },
        { id: 'f1', model: 'fal-ai/x', amountMicros: 400_000 },
      ],
    ],
    ['openai', [{ id: 'c1', model: 'm', amountMicros: 1 }]],
  ])('is the JSON of the sandbox, for %s', (provider, lines) => {
    expect(invoiceLines(sandbox, provider)).toEqual(lines);
  });

  it.each<[string, string, RegExp]>([
    ['without an id column', 'model,amount\na/b,1\n', /no column for the id/],
    ['without an amount column', 'id,model\np1,a/b\n', /no column for the amount/],
    ['of nothing', '', /no column for the id/],
    ['with a row without an id', 'id,model,amount\n,a/b,1\n', /row 2 .* no id/],
    ['with words for an amount', 'id,model,amount\np1,a/b,1\np2,a/b,much\n', /row 3 .* no amount/],
    ['with an endless amount', `id,model,amount\np1,a/b,${'9'.repeat(400)}\n`, /row 2 .* no amount/],
    ['with a short row', 'id,model,amount\np1\n', /row 2 .* no amount/],
    ['with another form of date', 'id,model,amount,date\np1,a/b,1,02.01.2026\n', /row 2 .* no date/],
    ['with an open quote', 'id,model,amount\n"p1,a/b,1\n', /not CSV/],
    ['of half a JSON', '{"predictions": [', /not valid JSON/],
    ['of other JSON', '{"total": 1}', /form of the sandbox/],
  ])('is refused %s', (_name, text, problem) => {
    expect(() => invoiceLines(text, 'replicate')).toThrow(problem);
    expect(() => invoiceLines(text, 'replicate')).toThrow(InvoiceError);
  });
});
