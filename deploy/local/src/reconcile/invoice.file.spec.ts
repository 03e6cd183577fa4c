import { describe, expect, it } from '@jest/globals';
import { InvoiceError } from './invoice.error.js';
import { invoiceLines } from './invoice.file.js';

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
    [
      'the columns of the billing events of fal',
      [
        'request_id,endpoint_id,timestamp,output_units,unit_price,percent_discount,cost_subtotal,cost_discount,cost_total',
        '764cabcf-b745-4b3e-ae38-1200304cf45b,fal-ai/veo3.1/fast,2026-11-28T10:30:45Z,6,0.15,10,0.9,0.09,0.81',
        '0b2f0c5e-58b8-4a6f-9a3c-5b1f5f4f8a11,fal-ai/kling-video/v3/pro/text-to-video,2026-11-28T10:31:02Z,5,0.112,,0.56,0,5.6e-1',
      ].join('\n'),
      [
        {
          id: '764cabcf-b745-4b3e-ae38-1200304cf45b',
          model: 'fal-ai/veo3.1/fast',
          amountMicros: 810_000,
          day: '2026-11-28',
        },
        {
          ...{ id: '0b2f0c5e-58b8-4a6f-9a3c-5b1f5f4f8a11', model: 'fal-ai/kling-video/v3/pro/text-to-video' },
          ...{ amountMicros: 560_000, day: '2026-11-28' },
        },
      ],
    ],
    [
      'the seconds of an own GPU beside the amount',
      'prediction id,model,predict_time,amount,completed at\nclip.gen_1.0.1,cog/animatic,12.5,0.00625,2026-11-28 10:30:45\n',
      [{ id: 'clip.gen_1.0.1', model: 'cog/animatic', amountMicros: 6250, day: '2026-11-28' }],
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

  const event = {
    ...{ request_id: 'r1', endpoint_id: 'fal-ai/veo3.1', timestamp: '2026-11-28T10:30:45Z', output_units: 3.008 },
    ...{ unit_price: 0.03, percent_discount: null, cost_estimate_nano_usd: 90_240_000 },
  };
  const r1 = { id: 'r1', model: 'fal-ai/veo3.1', amountMicros: 90_240, day: '2026-11-28' };
  it.each<[string, unknown, object[]]>([
    ['one page', { billing_events: [event], next_cursor: null, has_more: false }, [r1]],
    ['no event', { billing_events: [], next_cursor: null, has_more: false }, []],
    [
      'all pages',
      [
        { billing_events: [event], next_cursor: 'Mg==', has_more: true },
        { billing_events: [{ ...event, request_id: 'r2', cost_total: 0.5 }], next_cursor: null, has_more: false },
      ],
      [r1, { ...r1, id: 'r2', amountMicros: 500_000 }],
    ],
  ])('is the JSON of the billing events of fal, with %s', (_name, json, lines) => {
    expect(invoiceLines(JSON.stringify(json), 'fal')).toEqual(lines);
  });

  it.each<[string, unknown, RegExp]>([
    ['that lacks pages', { billing_events: [event], has_more: true }, /says that there are more/],
    [
      'with an event without a cost',
      { billing_events: [{ ...event, cost_estimate_nano_usd: null }] },
      /r1 has no cost/,
    ],
  ])('is refused as JSON of fal %s', (_name, json, problem) => {
    expect(() => invoiceLines(JSON.stringify(json), 'fal')).toThrow(problem);
  });

  it.each<[string, string, RegExp]>([
    [
      'of a report without request ids',
      'BilledCost,ChargePeriodStart,SkuId\n1,2026-11-28,veo\n',
      /no column for the id/,
    ],
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
    ['of other JSON', '{"total": 1}', /neither the form of the sandbox/],
    ['of an empty list', '[]', /neither the form of the sandbox/],
  ])('is refused %s', (_name, text, problem) => {
    expect(() => invoiceLines(text, 'replicate')).toThrow(problem);
    expect(() => invoiceLines(text, 'replicate')).toThrow(InvoiceError);
  });
});
