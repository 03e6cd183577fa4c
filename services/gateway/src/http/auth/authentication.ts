import { type Request } from 'express';
import { ProblemError } from '../problems/problem.js';
import { createAccess } from './access.js';

/** A request. `owner` is set once its caller is authenticated. */
export type OwnedRequest = Pick<Request, 'headers'> & { owner?: string };

/** Authenticates the caller of a request, once. */
export class Authentication {
  private readonly ownerOf: (authorization: string | undefined) => string | undefined;

  /** `pairs`: the `owner:key` pairs of API_KEYS. */
  constructor(pairs: readonly string[]) {
    this.ownerOf = createAccess(pairs);
  }

  /** Sets the owner of the request. Throws a 401 without a valid key. */
  authenticate(request: OwnedRequest): void {
    if (request.owner !== undefined) return;
    const owner = this.ownerOf(request.headers.authorization);
    if (owner === undefined)
      throw new ProblemError(
        401,
        'UNAUTHORIZED',
        'A valid API key is required',
        'send Authorization: Bearer <key> with one of the configured API_KEYS',
        { headers: { 'WWW-Authenticate': 'Bearer' } },
      );
    request.owner = owner;
  }
}

/** The owner of an authenticated request. Throws when the request is not authenticated: its route is public. */
export function ownerOn({ owner }: Pick<OwnedRequest, 'owner'>): string {
  if (owner === undefined) throw new Error('the request has no owner: its route is public');
  return owner;
}
