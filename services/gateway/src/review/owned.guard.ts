import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { type Request } from 'express';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { type OwnedRequest, ownerOn } from '../http/auth/authentication.js';

/** Throws a 404 when the generation of the path does not exist or belongs to another owner. */
@Injectable()
export class OwnedGuard implements CanActivate {
  constructor(@Inject(OwnedGenerations) private readonly owned: OwnedGenerations) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request<{ id: string }> & OwnedRequest>();
    await this.owned.find(request.params.id, ownerOn(request));
    return true;
  }
}
