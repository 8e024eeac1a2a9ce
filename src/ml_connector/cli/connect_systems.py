"""`connect`: a command for each system, and `connect finish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import typer

from ml_connector.cli.connecting import (
    BaseUrl,
    Code,
    FromFile,
    Setting,
    ask_consent,
    ask_key,
    check_address,
    secrets_anew,
    settings_of,
    store,
)
from ml_connector.cli.output import AsJson, lines
from ml_connector.cli.session import read_secret, session
from ml_connector.engine import connecting as connecting_engine
from ml_connector.engine import oauth, setup
from ml_connector.errors import UsageError

connect_app = typer.Typer(
    help="Give access to a system. Secrets are read from a file, a variable or a prompt.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Put this group under the root."""
    app.add_typer(connect_app, name="connect")


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
        store(s, "visma", code, given, base_url=base_url, settings=settings_of(setting))


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
            ask_consent(s, "square", code, application_id, base_url=base_url, from_file=from_file)
            return
        token = read_secret("Access token", from_file=from_file, variable="SQUARE_ACCESS_TOKEN")
        given = {"access_token": token}
        if for_webhooks:
            given["personal_access_token"] = read_secret(
                "Personal access token of the application", from_file=None, variable="SQUARE_PERSONAL_ACCESS_TOKEN"
            )
        store(s, "square", code, given, base_url=base_url, settings=settings_of(setting))


@connect_app.command("woocommerce")
def connect_woocommerce(  # noqa: PLR0913, PLR0917  each option is an argument
    url: Annotated[str, typer.Option(help="The shop's address as people see it, such as https://shop.example.")],
    vat_number_keys: Annotated[
        str, typer.Option(help="Metadata in which the shop keeps VAT numbers; a comma between several.")
    ] = "",
    org_number_keys: Annotated[
        str, typer.Option(help="Metadata in which it keeps organisation numbers; a comma between several.")
    ] = "",
    trusted_certificate: Annotated[
        Path | None, typer.Option(help="A PEM file with the certificate of a shop that nobody else has signed.")
    ] = None,
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
        if trusted_certificate is not None:
            named["trusted_certificate"] = trusted_certificate.read_text(encoding="utf-8")
        settings = settings_of(setting) | {name: text for name, text in named.items() if text}
        check_address(s, "woocommerce", url, settings)
        if by_link:
            root = "/index.php" if index_php else ""
            beside = {"authentication": "query"} if in_query else {}
            ask_key(s, "woocommerce", code, url, settings=settings, beside=beside, root=root)
            return
        pair = _consumer_pair(from_file)
        given = {**pair, "authentication": "query" if in_query else ""}
        store(s, "woocommerce", code, given, base_url=url, settings=settings)


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
        store(s, "paypal", code, given, base_url=base, settings=settings_of(setting))


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
        store(
            s, "stripe", code, {"api_key": key, "account_id": account}, base_url=base_url, settings=settings_of(setting)
        )


@connect_app.command("basware")
def connect_basware(
    client_id: Annotated[
        str, typer.Option(help="Of an OAuth2 client; or give --user where Basware gave you that.")
    ] = "",
    user: Annotated[str, typer.Option(help="Of Basic authentication, instead of a client id.")] = "",
    region: Annotated[
        str, typer.Option(help="EU, US, AU or CA. CA, test systems and hosts of one's own: type --base-url.")
    ] = "",
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
        settings = settings_of(setting)
        check_address(s, "basware", base_url or "", settings)
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
        store(s, "basware", code, given, base_url=base_url, settings=settings)


@connect_app.command("renew")
def connect_renew(
    code: Annotated[str, typer.Argument(help="Code of a connection.")],
    field: Annotated[
        list[str] | None, typer.Option("--field", help="name=value of what is no secret, such as client_id.")
    ] = None,
    base_url: BaseUrl = None,
    setting: Setting = None,
    from_file: Annotated[
        Path | None, typer.Option(help="A file that holds the secret and nothing else; name=value a line for several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a connection new credentials. They are tried first; they must work, and be of the same account.

    Secrets come from a file, from variables such as VISMA_CLIENT_SECRET, or from prompts, where an empty one stays.
    """
    with session(as_json=as_json) as s:
        row = s.connection(code)
        titles = {one.name: one.title for one in connecting_engine.fields_in_use(s.works, row.id) if one.secret}
        given = settings_of(field) | secrets_anew(row.connector, titles, from_file)
        answer = connecting_engine.renew(
            s.works,
            s.workspace,
            code=code,
            credentials=given,
            settings=settings_of(setting),
            base_url=base_url,
            by=s.by,
        )
        told = f"{s.works.system(row.connector).connector.title} answers as {answer.account}; {code} is renewed."
        s.out.answer(
            {"code": code, "connector": row.connector, "account": answer.account, "ok": answer.ok}, lines(told)
        )


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
