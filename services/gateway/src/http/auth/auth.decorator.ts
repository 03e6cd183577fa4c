import { createParamDecorator, type CustomDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { type OwnedRequest, ownerOn } from './authentication.js';

export const PUBLIC = Symbol('PUBLIC');

/** Marks a controller or route that needs no API key. */
export const Public = (): CustomDecorator<symbol> => SetMetadata(PUBLIC, true);

/** The parameter that gets the owner of the request. */
export const Owner = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  ownerOn(context.switchToHttp().getRequest<OwnedRequest>()),
);
