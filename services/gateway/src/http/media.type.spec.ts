import { describe, expect, it } from '@jest/globals';
import { refuseOtherBodies } from './request.body.js';
import { parseMediaType } from './media.type.js';

describe('a media type', () => {
  it.each([
    ['application/json', 'application/json', {}],
    ['application/json; charset=utf-8', 'application/json', { charset: 'utf-8' }],
    ['Application/JSON;charset="UTF-8"', 'application/json', { charset: 'UTF-8' }],
    ['application/problem+json', 'application/problem+json', {}],
    [' application/json ;  CHARSET = utf-8', 'application/json', {}],
    ['application/json;profile="a;b\\"c";charset=utf-8', 'application/json', { profile: 'a;b"c', charset: 'utf-8' }],
    ['application/json;', 'application/json', {}],
    ['application/json;;charset=utf-8', 'application/json', { charset: 'utf-8' }],
    ['', '', {}],
  ])('%j', (header, type, parameters) => {
    const parsed = parseMediaType(header);
    expect([parsed.type, Object.fromEntries(parsed.parameters)]).toEqual([type, parameters]);
  });
});

describe('a body', () => {
  const refuse = (type: string | undefined) => () => {
    refuseOtherBodies('POST', { 'content-length': '2', ...(type === undefined ? {} : { 'content-type': type }) });
  };

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/json;charset=utf8',
    'application/json; charset=',
    'application/problem+json',
    'application/vnd.api+json; version=1',
    'application/json; odata.metadata=minimal; charset=utf-8',
  ])('of %s is accepted', (type) => {
    expect(refuse(type)).not.toThrow();
  });

  it.each([
    [undefined, 'send the body as JSON'],
    ['text/plain', 'send the body as JSON'],
    ['application/jsonp', 'send the body as JSON'],
    ['application/x-www-form-urlencoded', 'send the body as JSON'],
    ['application/json; charset=latin1', 'the charset latin1 is not supported; send the JSON in UTF-8'],
    ['application/json;charset="ISO-8859-1"', 'the charset ISO-8859-1 is not supported'],
    ['application/json; charset=utf-16', 'the charset utf-16 is not supported'],
    ['application/json; charset=klingon', 'the charset klingon is not supported'],
  ])('of %s is a 415 with the reason', (type, why) => {
    expect(refuse(type)).toThrow(expect.objectContaining({ status: 415, message: expect.stringContaining(why) }));
  });

  it('is not checked when it is empty or the method has none', () => {
    expect(() => {
      refuseOtherBodies('POST', { 'content-length': '0', 'content-type': 'text/plain' });
      refuseOtherBodies('GET', { 'content-length': '2', 'content-type': 'text/plain' });
    }).not.toThrow();
  });
});
