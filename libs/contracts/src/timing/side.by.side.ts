type Task = (signal: AbortSignal) => Promise<unknown>;
type Results<Tasks extends readonly Task[]> = { -readonly [Name in keyof Tasks]: Awaited<ReturnType<Tasks[Name]>> };

/**
 * Runs tasks side by side, and resolves with their results. The first failure aborts the signal of the others. It is thrown when all
 * tasks have ended, so that none goes on with files that the caller then removes.
 */
export async function sideBySide<const Tasks extends readonly Task[]>(
  signal: AbortSignal,
  tasks: Tasks,
): Promise<Results<Tasks>> {
  const others = new AbortController();
  const shared = AbortSignal.any([signal, others.signal]);
  const failures: unknown[] = [];
  const results = await Promise.all(
    tasks.map(async (task) => {
      try {
        return await task(shared);
      } catch (error) {
        failures.push(error);
        others.abort(error);
        return undefined;
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
  return results as Results<Tasks>;
}
