"""`init`, `company`, `connect`, `connections`, `ping`: who and where."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import typer

from ml_connector.cli.output import PERSON, AsJson, lines, table, when
from ml_connector.cli.session import CompanyName, Session, read_secret, session
from ml_connector.engine import connecting, handover, oauth, setup
from ml_connector.errors import UsageError

company_app = typer.Typer(help="Sets of books.", no_args_is_help=True)
connect_app = typer.Typer(
    help="Give access to a system. Secrets are read from a file, a variable or a prompt.", no_args_is_help=True
)

Code = Annotated[str, typer.Option("--code", help="1 to 12 plain characters; begins every key. It never changes.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Another address of the system, such as its sandbox.")]
Setting = Annotated[
    list[str] | None,
    typer.Option("--setting", help="name=value for another address or pace; never a secret. May be repeated."),
]
FromFile = Annotated[Path | None, typer.Option("--from-file", help="A file that holds the secret and nothing else.")]


def register(app: typer.Typer) -> None:
    """Put these commands under the root."""
    app.command("init")(init)
    app.add_typer(company_app, name="company")
    app.add_typer(connect_app, name="connect")
    app.command("connections")(connections)
    app.command("ping")(ping)


def init(as_json: AsJson = False) -> None:
    """Make the folder, the databases, the master key and the workspace. Safe to repeat."""
    with session(as_json=as_json) as s:
        name = setup.init(s.works, workspace=s.workspace)
        content = {
            "workspace": name,
            "data_dir": str(s.settings.data_dir),
            "master_key_file": str(s.settings.master_key_file),
        }
        s.out.answer(
            content, lines(f"Workspace {name} is ready in {s.settings.data_dir}.", "Next: ml-connector connect visma")
        )


# ------------------------------------------------------------------------------------------- companies


@company_app.command("add")
def company_add(
    name: Annotated[str, typer.Argument(help="How you call this set of books.")],
    connection: Annotated[str, typer.Option(help="Code of its Visma connection.")],
    time_zone: Annotated[str, typer.Option(help="Where its business days begin and end.")] = "Europe/Stockholm",
    go_live: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Older records are ignored.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a set of books over a Visma connection; its chart of accounts is read at once."""
    with session(as_json=as_json) as s:
        row = s.connection(connection)
        day = go_live.date() if go_live else None
        made = setup.add_company(
            s.works, s.workspace, connection_id=row.id, name=name, time_zone=time_zone, go_live=day, by=s.by
        )
        company = s.company(made)
        s.out.answer(
            {"company": made, **_company(company)}, lines(f"{name} keeps its books in {company.base_currency}.")
        )


@company_app.command("list")
def company_list(as_json: AsJson = False) -> None:
    """Every set of books of this workspace."""
    with session(as_json=as_json) as s:
        rows = s.companies()
        codes = {one.id: one.code for one in s.connections()}
        shown = table(
            "Companies", ("name", "currency", "time zone", "go-live", "Visma", "id"),
            [(r.name, r.base_currency, r.time_zone, r.go_live, codes.get(r.connection_id), r.id) for r in rows],
        )  # fmt: skip
        s.out.answer({"companies": [_company(row) for row in rows]}, shown)


@company_app.command("ping")
def company_ping(company: CompanyName = None, as_json: AsJson = False) -> None:
    """Prove the company's Visma connection without writing anything."""
    with session(as_json=as_json) as s:
        row = s.company(company)
        codes = {one.id: one.code for one in s.connections()}
        _ping(s, codes[row.connection_id])


def _company(row: Any) -> dict[str, Any]:
    go_live = row.go_live.isoformat() if row.go_live else None
    return {
        "id": row.id, "name": row.name, "base_currency": row.base_currency, "time_zone": row.time_zone,
        "go_live": go_live,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------- connections


@connect_app.command("visma")
def connect_visma(
    tenant_id: Annotated[str, typer.Option(help="Of the company: Visma Admin, Company, Edit, Configuration.")],
    client_id: Annotated[str, typer.Option(help="Of the service application; begins with isv_.")],
    company_id: Annotated[str, typer.Option(help="Only where calls must name the company.")] = "",
    code: Code = "visma",
    base_url: BaseUrl = None,
    setting: Setting = None,
    from_file: FromFile = None,
    as_json: AsJson = False,
) -> None:
    """Connect a company in Visma.net ERP. The client secret comes from a file, VISMA_CLIENT_SECRET or a prompt."""
    with session(as_json=as_json) as s:
        secret = read_secret("Client secret", from_file=from_file, variable="VISMA_CLIENT_SECRET")
        given = {"tenant_id": tenant_id, "client_id": client_id, "company_id": company_id, "client_secret": secret}
        _connect(s, "visma", code, given, base_url=base_url, settings=_settings(setting))


@connect_app.command("square")
def connect_square(
    code: Code = "sq",
    by_consent: Annotated[
        bool, typer.Option("--oauth", help="Print a link at which the seller agrees, instead of taking a token.")
    ] = False,
    application_id: Annotated[str, typer.Option(help="Of your application at Square; needed with --oauth.")] = "",
    for_webhooks: Annotated[
        bool,
        typer.Option("--webhooks/--no-webhooks", help="Also keep the application's personal token, for subscriptions."),
    ] = False,
    base_url: BaseUrl = None,
    setting: Setting = None,
    from_file: FromFile = None,
    as_json: AsJson = False,
) -> None:
    """Connect a Square seller, with a personal access token or by the seller's consent."""
    with session(as_json=as_json) as s:
        setup.init(s.works, workspace=s.workspace)
        if by_consent:
            _ask_consent(s, "square", code, application_id, base_url=base_url, from_file=from_file)
            return
        token = read_secret("Access token", from_file=from_file, variable="SQUARE_ACCESS_TOKEN")
        given = {"access_token": token}
        if for_webhooks:
            given["personal_access_token"] = read_secret(
                "Personal access token of the application", from_file=None, variable="SQUARE_PERSONAL_ACCESS_TOKEN"
            )
        _connect(s, "square", code, given, base_url=base_url, settings=_settings(setting))


@connect_app.command("woocommerce")
def connect_woocommerce(
    url: Annotated[str, typer.Option(help="The shop's address as people see it, such as https://shop.example.")],
    vat_number_keys: Annotated[
        str, typer.Option(help="Metadata in which the shop keeps VAT numbers; a comma between several.")
    ] = "",
    org_number_keys: Annotated[
        str, typer.Option(help="Metadata in which it keeps organisation numbers; a comma between several.")
    ] = "",
    in_query: Annotated[
        bool, typer.Option("--in-query", help="Only where the shop's server drops Authorization; a ping says so.")
    ] = False,
    by_link: Annotated[
        bool, typer.Option("--link", help="Print a link at which the shop's owner agrees, instead of taking a key.")
    ] = False,
    index_php: Annotated[
        bool, typer.Option("--index-php", help="With --link: the shop's addresses have /index.php/ in them.")
    ] = False,
    code: Code = "wc",
    setting: Setting = None,
    from_file: Annotated[
        Path | None, typer.Option(help="A file with two lines: the consumer key, then the consumer secret.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Connect a WooCommerce shop, by a key made in its settings (Advanced, REST API), or by a link to agree at."""
    with session(as_json=as_json) as s:
        named = {"vat_number_keys": vat_number_keys, "org_number_keys": org_number_keys}
        settings = _settings(setting) | {name: text for name, text in named.items() if text}
        _check_address(s, "woocommerce", url, settings)
        if by_link:
            root = "/index.php" if index_php else ""
            beside = {"authentication": "query"} if in_query else {}
            _ask_key(s, "woocommerce", code, url, settings=settings, beside=beside, root=root)
            return
        pair = _consumer_pair(from_file)
        given = {**pair, "authentication": "query" if in_query else ""}
        _connect(s, "woocommerce", code, given, base_url=url, settings=settings)


@connect_app.command("paypal")
def connect_paypal(
    client_id: Annotated[str, typer.Option(help="Of a REST app in the seller's own PayPal account.")],
    in_sandbox: Annotated[
        bool, typer.Option("--sandbox", help="The app is of PayPal's sandbox; live and sandbox have different ones.")
    ] = False,
    webhook_roots: Annotated[
        Path | None,
        typer.Option(help="A PEM file of root certificates, for a pretend PayPal; refused with the live address."),
    ] = None,
    code: Code = "pp",
    base_url: BaseUrl = None,
    setting: Setting = None,
    from_file: FromFile = None,
    as_json: AsJson = False,
) -> None:
    """Connect a PayPal account, by a REST app's client id and secret.

    The secret comes from a file, PAYPAL_CLIENT_SECRET or a prompt.
    """
    with session(as_json=as_json) as s:
        offered = s.works.system("paypal").connector
        base = base_url or (offered.sandbox_base_url if in_sandbox else None)
        roots = _roots(webhook_roots, live=base in (None, offered.default_base_url))
        secret = read_secret("Secret", from_file=from_file, variable="PAYPAL_CLIENT_SECRET")
        given = {"client_id": client_id, "client_secret": secret, "webhook_roots": roots}
        _connect(s, "paypal", code, given, base_url=base, settings=_settings(setting))


@connect_app.command("stripe")
def connect_stripe(
    account: Annotated[
        str, typer.Option(help="acct_..., only where a platform's key acts for one of its accounts.")
    ] = "",
    code: Code = "st",
    base_url: BaseUrl = None,
    setting: Setting = None,
    from_file: FromFile = None,
    as_json: AsJson = False,
) -> None:
    """Connect a Stripe account, by a restricted key. It comes from a file, STRIPE_API_KEY or a prompt."""
    with session(as_json=as_json) as s:
        key = read_secret("Restricted key", from_file=from_file, variable="STRIPE_API_KEY")
        if not key.startswith(("rk_", "sk_")):
            raise UsageError(
                "This is no key that may call Stripe.", record="stripe",
                fix="A restricted key begins with rk_, a secret key with sk_; a publishable one (pk_) reads nothing.",
            )  # fmt: skip
        _connect(
            s, "stripe", code, {"api_key": key, "account_id": account}, base_url=base_url, settings=_settings(setting)
        )


@connect_app.command("basware")
def connect_basware(
    client_id: Annotated[
        str, typer.Option(help="Of an OAuth2 client; or give --user where Basware gave you that.")
    ] = "",
    user: Annotated[str, typer.Option(help="Of Basic authentication, instead of a client id.")] = "",
    region: Annotated[str, typer.Option(help="EU, US or AU. Any other, and test systems: type --base-url.")] = "",
    smartpdf: Annotated[
        bool, typer.Option("--smartpdf", help="The client may hand files on (scope importDocuments.write).")
    ] = False,
    network_user: Annotated[str, typer.Option(help="Of the Network API, where invoices go on as data.")] = "",
    code: Code = "bw",
    base_url: BaseUrl = None,
    setting: Setting = None,
    from_file: Annotated[
        Path | None, typer.Option(help="A file with the secret; its second line is the network's password.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Connect a Basware tenant, by an OAuth2 client or a user.

    Secrets come from a file, BASWARE_SECRET and BASWARE_NETWORK_PASSWORD, or a prompt. The setting company_codes names
    the companies there whose documents are read.
    """
    with session(as_json=as_json) as s:
        if bool(client_id) == bool(user):
            raise UsageError(
                "Who connects is not clear.", record="basware", fix="Give --client-id, or --user for Basic access."
            )
        settings = _settings(setting)
        _check_address(s, "basware", base_url or "", settings)
        kept = from_file.read_text(encoding="utf-8").split() if from_file else []
        secret = kept[0] if kept else read_secret("Secret", from_file=None, variable="BASWARE_SECRET")
        given = {"region": region, "client_id": client_id, "user": user, "network_user": network_user}
        given |= {"client_secret" if client_id else "password": secret}
        if smartpdf:
            given["scopes"] = "+importDocuments.write"
        if network_user:
            given["network_password"] = (
                kept[1]
                if len(kept) > 1
                else read_secret("Network password", from_file=None, variable="BASWARE_NETWORK_PASSWORD")
            )
        _connect(s, "basware", code, given, base_url=base_url, settings=settings)


def _roots(file: Path | None, *, live: bool) -> str:
    """Root certificates from a file; refused for live webhooks, which the machine's own roots must vouch for."""
    if file is None:
        return ""
    if live:
        raise UsageError(
            "Root certificates of one's own are not trusted for PayPal's live webhooks.", record=str(file),
            fix="Leave them out, or name the address of a pretend PayPal with --base-url.",
        )  # fmt: skip
    text = file.read_text(encoding="utf-8")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise UsageError("The file holds no certificate.", record=str(file), fix="Give a PEM file.")
    return text


def _consumer_pair(from_file: Path | None) -> dict[str, str]:
    """Consumer key and secret; swapped ones are refused here, before a shop answers 401 without a reason."""
    if from_file is not None:
        found = from_file.read_text(encoding="utf-8").split()
        if len(found) != 2:
            fix = "Write the consumer key on the first line and the consumer secret on the second."
            raise UsageError("The file does not hold two words.", record=str(from_file), fix=fix)
        key, secret = found
    else:
        key = read_secret("Consumer key", from_file=None, variable="WOOCOMMERCE_CONSUMER_KEY")
        secret = read_secret("Consumer secret", from_file=None, variable="WOOCOMMERCE_CONSUMER_SECRET")
    if not (key.startswith("ck_") and secret.startswith("cs_")):
        raise UsageError(
            "This is no pair of a consumer key and its secret.", record="woocommerce",
            fix="A key begins with ck_, its secret with cs_; the shop shows both once, when the key is made.",
        )  # fmt: skip
    return {"consumer_key": key, "consumer_secret": secret}


def _check_address(s: Session, connector: str, url: str, settings: dict[str, str]) -> None:
    """An address that can never be called is refused before it is kept; nothing is called. Raises ConnectorError."""
    opens = s.works.system(connector).open_http
    if opens is not None:
        opens(url, settings, allowed=s.works.allowed_hosts).close()


@connect_app.command("finish")
def connect_finish(from_file: FromFile = None, as_json: AsJson = False) -> None:
    """Finish a consent by hand: give the whole address that the browser was sent back to."""
    with session(as_json=as_json) as s:
        address = read_secret("Address", from_file=from_file, variable="OAUTH_RETURN_ADDRESS")
        params = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        if "state" not in params:
            raise UsageError("This address holds no state.", fix="Copy the whole address from the browser.")
        made = oauth.finish(s.works, state=params["state"], params=params)
        s.out.answer({"connection": made}, lines("Connected."))


def _settings(given: list[str] | None) -> dict[str, str]:
    pairs = [one.partition("=") for one in given or ()]
    for name, sign, _ in pairs:
        if not sign:
            raise UsageError("A setting is written name=value.", record=name)
    return {name: value for name, _, value in pairs}


def _connect(
    s: Session, connector: str, code: str, given: dict[str, str], *, base_url: str | None, settings: dict[str, str]
) -> None:
    setup.init(s.works, workspace=s.workspace)
    title = s.works.system(connector).connector.title
    credentials = {name: text for name, text in given.items() if text}
    made = connecting.connect(
        s.works, s.workspace, connector=connector, code=code, title=title, credentials=credentials, settings=settings,
        base_url=base_url, by=s.by,
    )  # fmt: skip
    s.out.answer(
        {"connection": made, "code": code, "connector": connector},
        lines(f"{title} is connected as {code}; nothing was called yet.", f"Next: ml-connector ping {code}"),
    )


def _ask_consent(
    s: Session, connector: str, code: str, client_id: str, *, base_url: str | None, from_file: Path | None
) -> None:
    if not client_id:
        raise UsageError("--oauth needs --application-id.", record=code, fix="Copy it from the developer console.")
    secret = read_secret("Application secret", from_file=from_file, variable="SQUARE_APPLICATION_SECRET")
    redirect = oauth.callback_url(s.settings.public_url, connector)
    title = s.works.system(connector).connector.title
    link = oauth.begin(
        s.works, s.workspace, connector=connector, code=code, title=title, client_id=client_id, client_secret=secret,
        redirect_uri=redirect, base_url=base_url, by=s.by,
    )  # fmt: skip
    told = lines(
        "Open this in the seller's browser, within half an hour; it works once:",
        link,
        f"The application's redirect address must be {redirect}",
    )
    s.out.answer({"authorize_url": link, "redirect_uri": redirect, "code": code}, told)


def _ask_key(
    s: Session, connector: str, code: str, url: str, *, settings: dict[str, str], beside: dict[str, str], root: str
) -> None:
    setup.init(s.works, workspace=s.workspace)
    wanted = handover.Wanted(connector, code, s.works.system(connector).connector.title, url, settings, beside)
    link = handover.begin(s.works, s.workspace, wanted, public_url=s.settings.public_url, by=s.by, root=root)
    told = lines(
        "While `ml-connector serve` runs, have the shop's owner open this within half an hour; it works once:",
        link,
        f"The shop then posts its key here by itself. Next: ml-connector ping {code}",
    )
    s.out.answer({"authorize_url": link, "code": code}, told)


def connections(as_json: AsJson = False) -> None:
    """Every access to a system, and its state."""
    with session(as_json=as_json) as s:
        rows = [
            {
                "code": one.code, "connector": one.connector, "title": one.title, "state": one.state,
                "reason": one.reason, "paused_until": when(one.paused_until) or None, "account_ref": one.account_ref,
                "id": one.id,
            }
            for one in s.connections()
        ]  # fmt: skip
        columns = ("code", "connector", "state", "reason", "account_ref", "id")
        s.out.answer({"connections": rows}, table("Connections", columns, [[row[c] for c in columns] for row in rows]))


def ping(
    code: Annotated[str, typer.Argument(help="Code of a connection.")],
    as_json: AsJson = False,
) -> None:
    """Prove a connection: who answers, and each right tried harmlessly."""
    with session(as_json=as_json) as s:
        _ping(s, code)


def _ping(s: Session, code: str) -> None:
    answer = connecting.ping(s.works, s.connection(code).id)
    checks = [{"name": c.name, "ok": c.ok, "sentence": c.sentence, "fix": c.fix} for c in answer.checks]
    rows = [("ok" if c.ok else "WRONG", c.name, c.sentence, "" if c.ok else c.fix) for c in answer.checks]
    content = {"ok": answer.ok, "account": answer.account, "checks": checks, "facts": dict(answer.facts)}
    shown = table(f"{code}: {answer.account or 'no answer'}", ("", "check", "what", "to do"), rows)
    s.out.answer(content, shown, code=0 if answer.ok else PERSON)
