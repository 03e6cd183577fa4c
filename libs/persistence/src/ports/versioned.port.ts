/** What every port uses for compare-and-set. It is declared in contracts, for the libraries that do not import this one. */
export { AlreadyExistsError, ConflictError, type Versioned } from '@clipmesh/contracts';
