// Lint rules for tests: no test may depend on the speed of the machine.

const CLOCKS = new Set([
  ...['performance.now', 'Date.now', 'process.cpuUsage', 'process.threadCpuUsage', 'process.resourceUsage'],
  ...['process.hrtime', 'process.hrtime.bigint', 'process.uptime'],
]);
const CONVERTERS = /^(Math\.\w+|Number|BigInt|String|parseInt|parseFloat|Promise\.resolve)$/;
const ASSERTIONS = /^(expect|assert)$/;
const RANK = { elapsed: 2, clock: 1 };
const most = (kinds) => kinds.reduce((a, b) => ((RANK[b] ?? 0) > (RANK[a] ?? 0) ? b : a), undefined);

function nameOf(node) {
  if (node.type === 'Identifier') return node.name;
  if (node.type !== 'MemberExpression' || node.computed) return '';
  return `${nameOf(node.object)}.${nameOf(node.property)}`;
}

const isFunction = ({ type }) => /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(type);
/** Types have no value. */
const isType = ({ type }) => /^TS/.test(type) && !/Expression$/.test(type);
const isConstant = (node) =>
  node.type === 'Literal' ||
  (node.type === 'Identifier' && /^[A-Z][A-Z0-9_]*$/.test(node.name)) ||
  (node.type === 'BinaryExpression' && isConstant(node.left) && isConstant(node.right));

/** The kind of a node's value: a reading of a `clock`, the time `elapsed` between two, or undefined. */
function createKinds(sourceCode) {
  const looking = new Set();
  const childrenOf = (node) =>
    (sourceCode.visitorKeys[node.type] ?? [])
      .flatMap((key) => node[key])
      .filter((child) => child != null && !isType(child));

  function returned(fn) {
    if (fn.body.type !== 'BlockStatement') return [fn.body];
    const found = [];
    const look = (node) => {
      if (node.type === 'ReturnStatement' && node.argument !== null) found.push(node.argument);
      if (!isFunction(node)) childrenOf(node).forEach(look);
    };
    childrenOf(fn.body).forEach(look);
    return found;
  }

  function variableOf(node) {
    for (let scope = sourceCode.getScope(node); scope !== null; scope = scope.upper) {
      const variable = scope.set.get(node.name);
      if (variable !== undefined) return variable;
    }
    return undefined;
  }

  function ofVariable(variable) {
    if (variable === undefined || looking.has(variable)) return undefined;
    looking.add(variable);
    const declared = variable.defs.map(({ node, type }) => (type === 'FunctionName' ? of(node) : undefined));
    const written = variable.references.map(({ identifier, writeExpr }) => {
      if (writeExpr) return of(writeExpr);
      const call = identifier.parent.parent;
      const pushes =
        identifier.parent.type === 'MemberExpression' && /\.(push|unshift)$/.test(nameOf(identifier.parent));
      return pushes && call.type === 'CallExpression' ? most(call.arguments.map(of)) : undefined;
    });
    looking.delete(variable);
    return most([...declared, ...written]);
  }

  function ofCall(node) {
    const name = nameOf(node.callee);
    if (CLOCKS.has(name)) return node.arguments.length > 0 ? 'elapsed' : 'clock';
    if (CONVERTERS.test(name)) return most(node.arguments.map(of));
    if (node.callee.type === 'MemberExpression')
      return most([of(node.callee.object), ...node.arguments.filter(isFunction).map(of)]);
    return node.callee.type === 'Identifier' ? of(node.callee) : undefined;
  }

  function ofBinary({ operator, left, right }) {
    const kinds = [of(left), of(right)];
    const kind = most(kinds);
    if (kind !== 'clock') return kind;
    if (operator === '-') return isConstant(left) || isConstant(right) ? 'clock' : 'elapsed';
    return /[<>]/.test(operator) && kinds.every((one) => one === 'clock') ? 'elapsed' : kind;
  }

  function of(node) {
    if (node.type === 'Identifier') return ofVariable(variableOf(node));
    if (node.type === 'CallExpression') return ofCall(node);
    if (node.type === 'BinaryExpression') return ofBinary(node);
    if (node.type === 'MemberExpression') return of(node.object);
    if (node.type === 'Property') return of(node.value);
    if (isFunction(node)) return most(returned(node).map(of));
    return most(childrenOf(node).map(of));
  }
  return of;
}

const noElapsedTime = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      elapsed:
        'Do not assert elapsed time: a slow machine breaks the test. Assert counts, order, growth or an injected clock; measure in npm run bench.',
    },
  },
  create(context) {
    const kindOf = createKinds(context.sourceCode);
    return {
      CallExpression(node) {
        if (!ASSERTIONS.test(nameOf(node.callee).split('.')[0])) return;
        const values = [...node.arguments];
        let outer = node;
        for (; outer.parent.type === 'MemberExpression' || outer.parent.callee === outer; outer = outer.parent)
          if (outer.parent.type === 'CallExpression') values.push(...outer.parent.arguments);
        const kinds = values.filter((value) => !isFunction(value)).map(kindOf);
        if (kinds.includes('elapsed') || kinds.filter((kind) => kind === 'clock').length > 1)
          context.report({ node: outer, messageId: 'elapsed' });
      },
    };
  },
};

const SHORTEST_MS = 60_000;
/** A shorter wait is the subject of the test, ms. */
const WAIT_ITSELF_MS = 1000;
const HOOKS = /^(it|test|beforeAll|afterAll|beforeEach|afterEach|jest\.setTimeout)\b/;
const WAITS = /^(until|within|eventually)$/;

const hangDeadline = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      short: 'A deadline may only end a hang: use 60 s or more, or none. A busy machine breaks a shorter one.',
    },
  },
  create(context) {
    const isShort = (node, aboveMs) => node?.type === 'Literal' && node.value > aboveMs && node.value < SHORTEST_MS;
    const calleeOf = (node) => (node.type === 'CallExpression' ? calleeOf(node.callee) : nameOf(node));
    return {
      CallExpression(node) {
        const name = calleeOf(node.callee);
        const deadline = HOOKS.test(name) ? node.arguments.at(-1) : undefined;
        if (isShort(deadline, 0)) context.report({ node: deadline, messageId: 'short' });
        if (!WAITS.test(name)) return;
        for (const argument of node.arguments)
          if (isShort(argument, WAIT_ITSELF_MS)) context.report({ node: argument, messageId: 'short' });
      },
    };
  },
};

/** @type {import('eslint').ESLint.Plugin} */
export const testTime = { rules: { 'no-elapsed-time': noElapsedTime, 'hang-deadline': hangDeadline } };
