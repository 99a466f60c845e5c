"""What can be asked of access: people, roles and tokens."""

from governance.access.commands.people import CreatePerson, DisablePerson, EnablePerson, SetPassword
from governance.access.commands.roles import GrantRole, WithdrawRole
from governance.access.commands.tokens import CreateToken, RevokeToken

__all__ = [
    "CreatePerson",
    "CreateToken",
    "DisablePerson",
    "EnablePerson",
    "GrantRole",
    "RevokeToken",
    "SetPassword",
    "WithdrawRole",
]
