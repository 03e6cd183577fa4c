import { describe, expect, it } from '@jest/globals';
import { checkWebhookUrl } from './webhook.url.js';

const check =
  (url: string, allowPrivate = false) =>
  () => {
    checkWebhookUrl(url, 'webhookUrl', { allowPrivate });
  };

describe('a webhook URL', () => {
  it.each([
    'https://127.0.0.1/hook',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://10.0.0.1/',
    'https://172.16.3.4:8443/',
    'https://192.168.0.10/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://localhost/hook',
    'https://LOCALHOST./hook',
    'https://api.localhost/',
    'https://nas.local/',
    'https://metadata.google.internal/',
    'https://intranet/',
    'https://hooks.invalid/',
    'https://router.home.arpa/',
    'http://hooks.example.org/',
    'https://user:secret@hooks.example.org/',
  ])('%s is rejected with a 400 that names the field', (url) => {
    expect(check(url)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringMatching(/^webhookUrl: /) }),
    );
  });

  it.each([
    'https://hooks.example.org/clipmesh',
    'https://93.184.216.34/',
    'https://[2606:4700::1111]/',
    'https://localhost.example.org/',
  ])('%s is accepted without resolving its name', (url) => {
    expect(check(url)).not.toThrow();
  });

  it('may be private with ALLOW_PRIVATE_URLS', () => {
    expect(check('http://127.0.0.1:9000/hook', true)).not.toThrow();
    expect(check('https://intranet/hook', true)).not.toThrow();
    expect(check('ftp://127.0.0.1/', true)).toThrow('webhookUrl: ');
  });
});
