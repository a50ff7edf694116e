"""What every resource of the API shares: authentication, teams, errors, pages."""
