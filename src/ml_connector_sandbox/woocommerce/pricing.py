"""What an order costs: tax from net or gross prices, coupons, sums and their rounding, as the shop's settings say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal

from ml_connector_sandbox.woocommerce.state import ZERO, CouponLine, Line, Order, Rate, Store, Sums, TaxLine

HUNDRED = Decimal(100)


def rounded(amount: Decimal, decimals: int) -> Decimal:
    """Half up, away from zero, as PHP's round."""
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def precise(store: Store, amount: Decimal) -> Decimal:
    """To the shop's internal precision: two digits beyond its decimals, six at least."""
    return rounded(amount, max(store.decimals + 2, 6))


def round_tax(store: Store, tax: Decimal) -> Decimal:
    """To the shop's decimals; half down where prices are typed with tax."""
    mode = ROUND_HALF_DOWN if store.inclusive else ROUND_HALF_UP
    return tax.quantize(Decimal(1).scaleb(-store.decimals), rounding=mode)


def line_tax(store: Store, tax: Decimal) -> Decimal:
    """A line's tax as it counts: rounded at once, or left whole where the shop rounds at subtotal level."""
    return tax if store.at_subtotal else round_tax(store, tax)


def rates_for(store: Store, country: str, state: str, tax_class: str) -> list[Rate]:
    """The rates that apply at a place: the most specific of each priority."""
    found: dict[int, Rate] = {}
    for rate in sorted(store.rates.values(), key=lambda r: (not r.country, not r.state, r.order, r.id)):
        fits = rate.country in ("", country) and rate.state in ("", state)
        if fits and rate.tax_class == tax_class:
            found.setdefault(rate.priority, rate)
    return [found[priority] for priority in sorted(found)]


def place(store: Store, order: Order) -> tuple[str, str]:
    """Country and state that decide about tax; the shop's own where the order has no address."""
    based_on = store.option("woocommerce_tax_based_on", "tax")
    address = {"shipping": order.shipping, "billing": order.billing}.get(based_on, {})
    if based_on == "shipping" and not address.get("country"):
        address = order.billing
    if not address.get("country"):
        return store.country, ""
    return str(address["country"]), str(address.get("state") or "")


def exempt(order: Order) -> bool:
    """Whether the order is VAT exempt."""
    return any(m["key"] == "is_vat_exempt" and m["value"] == "yes" for m in order.meta)


def tax_on_net(store: Store, net: Decimal, rates: Sequence[Rate]) -> dict[int, Decimal]:
    """Tax on top of a net amount, by rate id; compound rates lie on the plain ones."""
    taxes = {r.id: precise(store, net * r.percent / HUNDRED) for r in rates if not r.compound}
    base = net + sum(taxes.values(), ZERO)
    for rate in (r for r in rates if r.compound):
        taxes[rate.id] = precise(store, base * rate.percent / HUNDRED)
        base += taxes[rate.id]
    return taxes


def tax_in_gross(store: Store, gross: Decimal, rates: Sequence[Rate]) -> dict[int, Decimal]:
    """Tax inside a gross amount, by rate id."""
    taxes: dict[int, Decimal] = {}
    left = gross
    for rate in reversed([r for r in rates if r.compound]):
        before = left / (1 + rate.percent / HUNDRED)
        taxes[rate.id] = precise(store, left - before)
        left = before
    plain = [r for r in rates if not r.compound]
    whole = 1 + sum((r.percent for r in plain), ZERO) / HUNDRED
    for rate in plain:
        taxes[rate.id] = precise(store, left / whole * rate.percent / HUNDRED)
    return taxes


def at_customer(store: Store, price: Decimal, tax_class: str, rates: Sequence[Rate]) -> Decimal:
    """A price typed with the base country's tax as a buyer elsewhere sees it: same net, their tax."""
    base = rates_for(store, store.country, "", tax_class)
    if [r.id for r in base] == [r.id for r in rates]:
        return price
    net = price - sum(tax_in_gross(store, price, base).values(), ZERO)
    return net + sum(tax_on_net(store, net, rates).values(), ZERO)


def price_typed(store: Store, line: Line, typed: tuple[Decimal, Decimal], rates: Sequence[Rate]) -> None:
    """Fill a line from typed prices (before coupons, after), with tax inside where the shop says so."""
    before, after = (_split(store, amount, rates) for amount in typed)
    line.subtotal, line.total = before[0], after[0]
    line.taxes = {rate.id: (before[1][rate.id], after[1][rate.id]) for rate in rates}


def _split(store: Store, amount: Decimal, rates: Sequence[Rate]) -> tuple[Decimal, dict[int, Decimal]]:
    if not store.inclusive:
        return precise(store, amount), tax_on_net(store, amount, rates)
    taxes = tax_in_gross(store, amount, rates)
    return precise(store, amount - sum((line_tax(store, t) for t in taxes.values()), ZERO)), taxes


def net_price(store: Store, price: Decimal, tax_class: str, quantity: int) -> Decimal:
    """A product's price as a net line amount, unrounded, as orders made over REST take it."""
    amount = price * quantity
    if store.inclusive:
        base = rates_for(store, store.country, "", tax_class)
        amount -= sum(tax_in_gross(store, amount, base).values(), ZERO)
    return precise(store, amount)


def tax_lines_on_net(store: Store, order: Order) -> None:
    """Work out the taxes of all lines from their net amounts, as orders made or edited over REST do."""
    where = place(store, order)
    for line in order.lines:
        rates = [] if exempt(order) or not line.taxable else rates_for(store, *where, line.tax_class)
        if line.kind == "shipping":
            rates = [r for r in rates if r.shipping]
        if line.kind == "fee" and line.total < 0:
            line.taxes = shared(store, order, line)
            continue
        before, after = tax_on_net(store, line.subtotal, rates), tax_on_net(store, line.total, rates)
        line.taxes = {rate.id: (before[rate.id], after[rate.id]) for rate in rates}


def shared(store: Store, order: Order, fee: Line) -> dict[int, tuple[Decimal, Decimal]]:
    """A negative fee takes off tax at every rate of the goods, in proportion."""
    goods = [line for line in order.lines if line.kind == "line_item" and line.taxable]
    whole = sum((line.total for line in goods), ZERO)
    if not fee.taxable or exempt(order) or whole <= 0:
        return {}
    shares: dict[int, Decimal] = {}
    for line in goods:
        for rate_id, (_, tax) in line.taxes.items():
            shares[rate_id] = shares.get(rate_id, ZERO) + tax
    return {k: (ZERO, precise(store, tax * fee.total / whole)) for k, tax in shares.items()}


def spread(amount: Decimal, weights: Sequence[Decimal], decimals: int) -> list[Decimal]:
    """Parts of an amount by weight, whole in the last digit, that add up to it."""
    whole = sum(weights, ZERO)
    parts: list[Decimal] = []
    gone, seen = ZERO, ZERO
    for weight in weights:
        seen += weight
        upto = rounded(amount * seen / whole, decimals) if whole else ZERO
        parts.append(upto - gone)
        gone = upto
    return parts


def coupon_cuts(store: Store, kind: str, nominal: Decimal, typed: Sequence[tuple[Decimal, int]]) -> list[Decimal]:
    """What a coupon takes off each line (typed price, quantity), in the basis prices are typed in."""
    if kind == "percent":
        return [rounded(price * nominal / HUNDRED, store.decimals) for price, _ in typed]
    if kind == "fixed_product":
        return [min(nominal * quantity, price) for price, quantity in typed]
    whole = sum((price for price, _ in typed), ZERO)
    return spread(min(nominal, whole), [price for price, _ in typed], store.decimals)


def credit_coupon(store: Store, coupon: CouponLine, cuts: Iterable[tuple[Decimal, Sequence[Rate]]]) -> None:
    """Note on a coupon what it took off, split into net and tax."""
    for cut, rates in cuts:
        taxes = tax_in_gross(store, cut, rates) if store.inclusive else tax_on_net(store, cut, rates)
        tax = sum(taxes.values(), ZERO)
        coupon.discount += cut - tax if store.inclusive else cut
        coupon.discount_tax += tax


def add_up(store: Store, order: Order) -> None:
    """Store the order's sums and tax lines from its lines."""
    d = store.decimals
    cart: dict[int, Decimal] = {}
    shipping: dict[int, Decimal] = {}
    for line in order.lines:
        side = shipping if line.kind == "shipping" else cart
        for rate_id, (_, tax) in line.taxes.items():
            side[rate_id] = side.get(rate_id, ZERO) + line_tax(store, tax)
    _tax_lines(store, order, cart, shipping)
    goods = order.of("line_item")
    sums = Sums(
        shipping=sum((rounded(line.total, d) for line in order.of("shipping")), ZERO),
        shipping_tax=round_tax(store, sum(shipping.values(), ZERO)),
        cart_tax=round_tax(store, sum(cart.values(), ZERO)),
    )
    net = sum((rounded(line.total, d) for line in [*goods, *order.of("fee")]), ZERO)
    if store.at_subtotal:
        net = sum((line.total for line in [*goods, *order.of("fee")]), ZERO)
    sums.discount = rounded(sum((line.subtotal - line.total for line in goods), ZERO), d)
    cut = sum((line_tax(store, b) - line_tax(store, a) for line in goods for b, a in line.taxes.values()), ZERO)
    sums.discount_tax = round_tax(store, cut)
    sums.total = rounded(net + sums.shipping + sums.cart_tax + sums.shipping_tax, d)
    order.sums = sums


def _tax_lines(store: Store, order: Order, cart: dict[int, Decimal], shipping: dict[int, Decimal]) -> None:
    known = {line.rate_id: line for line in order.tax_lines}
    order.tax_lines = []
    for rate_id in sorted(cart | shipping):
        line = known.get(rate_id) or _remembered(store, rate_id)
        line.tax, line.shipping_tax = cart.get(rate_id, ZERO), shipping.get(rate_id, ZERO)
        order.tax_lines.append(line)


def _remembered(store: Store, rate_id: int) -> TaxLine:
    rate = store.rates[rate_id]
    code = "-".join(filter(None, [rate.country, rate.state, rate.name.upper(), str(rate.priority)]))
    return TaxLine(store.number("item"), rate.id, code, rate.name, rate.percent, rate.compound)
