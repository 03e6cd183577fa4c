import { randomUUID } from 'node:crypto';
import { type Connection, type Model, Schema, type SchemaDefinition } from 'mongoose';
import { checkedValue } from '@clipmesh/contracts';
import { type z } from 'zod';
import { AlreadyExistsError, ConflictError, type Versioned } from '../ports/versioned.port.js';
import { decodeNames, encodeNames } from './field.names.js';
import { isDuplicate, storeError } from './mongo.errors.js';

/** A value of a queryable column. */
export type Column = string | number | Date;

export interface RecordsSpec<T> {
  readonly collection: string;
  readonly schema: z.ZodType<T>;
  /** Unique to the record. */
  readonly idOf: (record: T) => string;
  /** Columns for queries and indexes, besides the record. */
  readonly columns: SchemaDefinition;
  readonly columnsOf: (record: T) => Readonly<Record<string, Column>>;
  readonly indexes: readonly {
    readonly keys: Readonly<Record<string, 1 | -1>>;
    readonly unique?: boolean;
    /** True: MongoDB removes a document when this date column has passed. */
    readonly expires?: boolean;
  }[];
}

interface Row {
  _id: string;
  /** Unique to this document, to distinguish it from one that was removed and created again. */
  born: string;
  /** Number of saves. */
  version: number;
  /** Escaped by {@link encodeNames}. */
  record: unknown;
}

const REVISION = /^([1-9]\d*)-([0-9a-f-]{36})$/;
const revisionOf = ({ version, born }: Pick<Row, 'version' | 'born'>): string => `${version}-${born}`;

/** A collection of validated records with optimistic concurrency. Errors of MongoDB become `STORE_UNAVAILABLE`. */
export class MongoRecords<T> {
  readonly model: Model<Row>;
  private readonly name: string;

  constructor(
    connection: Connection,
    private readonly spec: RecordsSpec<T>,
  ) {
    this.name = spec.collection;
    const schema = new Schema<Row>(
      {
        _id: { type: String, required: true },
        born: { type: String, required: true },
        version: { type: Number, required: true, min: 1, validate: Number.isSafeInteger },
        record: { type: Schema.Types.Mixed, required: true },
        ...(spec.columns as object),
      },
      { collection: this.name, versionKey: false, minimize: false, strict: 'throw' },
    );
    for (const { keys, unique = false, expires = false } of spec.indexes)
      schema.index(keys, { ...(unique ? { unique } : {}), ...(expires ? { expireAfterSeconds: 0 } : {}) });
    this.model = connection.model<Row>(this.name, schema);
  }

  /** Throws {@link AlreadyExistsError}. */
  async create(value: T, columns: Readonly<Record<string, Column>> = {}): Promise<Versioned<T>> {
    const { id, checked, fields } = this.fieldsOf(value);
    const row = { _id: id, born: randomUUID(), version: 1, ...fields, ...columns };
    try {
      await new this.model(row).save();
      return { value: checked, revision: revisionOf(row) };
    } catch (cause) {
      if (isDuplicate(cause)) throw new AlreadyExistsError(`${this.name}: ${id} exists already`, { cause });
      throw storeError(this.name, cause);
    }
  }

  async get(id: string): Promise<Versioned<T> | undefined> {
    const row = await this.guarded(this.model.findOne({ _id: id }).lean<Row>());
    return row === null ? undefined : this.decode(row);
  }

  /** Throws {@link ConflictError}. */
  async save(value: T, revision: string): Promise<Versioned<T>> {
    const { id, checked, fields } = this.fieldsOf(value);
    const at = readRevision(revision);
    const row = at && (await this.guarded(this.replace({ _id: id, ...at }, fields)));
    if (!row) throw new ConflictError(`${this.name}: ${id} is past revision ${revision}`);
    return { value: checked, revision: revisionOf(row) };
  }

  /**
   * Creates a record, or replaces an existing one that matches the filter. Throws {@link AlreadyExistsError} if one exists that
   * does not match.
   */
  async replaceOrCreate(
    value: T,
    filter: Readonly<Record<string, unknown>>,
    columns: Readonly<Record<string, Column>>,
  ): Promise<void> {
    const { id, fields } = this.fieldsOf(value);
    try {
      await this.model
        .findOneAndUpdate(
          { _id: id, ...filter },
          { $set: { ...fields, ...columns, born: randomUUID() }, $inc: { version: 1 } },
          { upsert: true, runValidators: true },
        )
        .lean();
    } catch (cause) {
      if (isDuplicate(cause)) throw new AlreadyExistsError(`${this.name}: ${id} exists already`, { cause });
      throw storeError(this.name, cause);
    }
  }

  /** Removes this revision. Throws {@link ConflictError}. Idempotent. */
  async remove(id: string, revision: string): Promise<void> {
    const at = readRevision(revision);
    const removed = at && (await this.guarded(this.model.findOneAndDelete({ _id: id, ...at }).lean<Row>()));
    if (!removed && (await this.guarded(this.model.exists({ _id: id }))) !== null)
      throw new ConflictError(`${this.name}: ${id} is past revision ${revision}`);
  }

  async removeAll(filter: Readonly<Record<string, unknown>>): Promise<void> {
    await this.guarded(this.model.deleteMany(filter));
  }

  /** Default: no limit (0). */
  async find(
    filter: Readonly<Record<string, unknown>>,
    { limit = 0, sort = {} }: { limit?: number; sort?: Readonly<Record<string, 1 | -1>> } = {},
  ): Promise<Versioned<T>[]> {
    const rows = await this.guarded(this.model.find(filter).sort(sort).limit(limit).lean<Row[]>());
    return rows.map((row) => this.decode(row));
  }

  /** Runs a MongoDB query and maps its errors. */
  async guarded<R>(query: PromiseLike<R>): Promise<R> {
    try {
      return await query;
    } catch (cause) {
      throw storeError(this.name, cause);
    }
  }

  private replace(filter: object, fields: object): PromiseLike<Row | null> {
    return this.model
      .findOneAndUpdate(
        filter,
        { $set: fields, $inc: { version: 1 } },
        { runValidators: true, returnDocument: 'after', projection: { version: 1, born: 1 } },
      )
      .lean<Row>();
  }

  private fieldsOf(value: T): { id: string; checked: T; fields: Record<string, unknown> } {
    const id = this.spec.idOf(value);
    const checked = checkedValue(this.spec.schema, value, `collection ${this.name}, id ${id}`, 'record');
    return { id, checked, fields: { ...this.spec.columnsOf(checked), record: encodeNames(checked) } };
  }

  private decode(row: Row): Versioned<T> {
    const place = `collection ${this.name}, id ${row._id}`;
    return {
      value: checkedValue(this.spec.schema, decodeNames(row.record), place, 'record'),
      revision: revisionOf(row),
    };
  }
}

/** Undefined: invalid. */
function readRevision(revision: string): Pick<Row, 'version' | 'born'> | undefined {
  const [, version, born = ''] = REVISION.exec(revision) ?? [];
  return version === undefined ? undefined : { version: Number(version), born };
}
