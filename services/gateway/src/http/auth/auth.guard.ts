import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { PUBLIC } from './auth.decorator.js';
import { Authentication, type OwnedRequest } from './authentication.js';

/** Authenticates the caller of every route that is not public. Throws a 401. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Authentication) private readonly authentication: Authentication,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const isPublic = this.reflector.getAllAndOverride<boolean>(PUBLIC, [context.getHandler(), context.getClass()]);
    if (!isPublic) this.authentication.authenticate(context.switchToHttp().getRequest<OwnedRequest>());
    return true;
  }
}
