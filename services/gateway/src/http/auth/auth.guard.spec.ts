import { describe, expect, it } from '@jest/globals';
import { Controller, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Public } from './auth.decorator.js';
import { AuthGuard } from './auth.guard.js';
import { Authentication, type OwnedRequest, ownerOn } from './authentication.js';

@Controller()
class Routes {
  @Public()
  open(): void {
    return;
  }
  closed(): void {
    return;
  }
}

const contextOf = (request: OwnedRequest, route: keyof Routes): ExecutionContext =>
  ({
    switchToHttp: () => ({ getRequest: () => request }),
    getHandler: () => Routes.prototype[route],
    getClass: () => Routes,
  }) as unknown as ExecutionContext;

const requestOf = (key: string): OwnedRequest => ({ headers: { authorization: `Bearer ${key}` } });

describe('the guard', () => {
  const authentication = new Authentication(['ann:ann-key-0123456789']);
  const guard = new AuthGuard(authentication, new Reflector());

  it('puts the owner on the request', () => {
    const request = requestOf('ann-key-0123456789');
    expect(guard.canActivate(contextOf(request, 'closed'))).toBe(true);
    expect(ownerOn(request)).toBe('ann');
  });

  it('throws a 401 without a valid key, except on a public route', () => {
    const request = requestOf('another-key');
    expect(() => guard.canActivate(contextOf(request, 'closed'))).toThrow(expect.objectContaining({ status: 401 }));
    expect(guard.canActivate(contextOf(request, 'open'))).toBe(true);
  });

  it('keeps the owner of a request that is authenticated already', () => {
    const request = requestOf('ann-key-0123456789');
    authentication.authenticate(request);
    request.headers.authorization = undefined;
    expect(guard.canActivate(contextOf(request, 'closed'))).toBe(true);
    expect(ownerOn(request)).toBe('ann');
  });

  it('leaves a request of a public route without an owner', () => {
    const request = requestOf('ann-key-0123456789');
    guard.canActivate(contextOf(request, 'open'));
    expect(() => ownerOn(request)).toThrow('its route is public');
  });
});
